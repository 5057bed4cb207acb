export * from './active-hours.js';
export * from './bot-settings.js';
export * from './example-scripts.js';
export * from './scope.js';
export * from './script.js';
export * from './template.js';
export * from './validate-script.js';
