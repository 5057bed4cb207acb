export * from './active-hours.js';
export * from './bot-settings.js';
export * from './scope.js';
export * from './script.js';
export * from './template.js';
