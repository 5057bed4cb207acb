export * from './heard-text.js';
export * from './machine-detector.js';
export * from './ports.js';
export * from './sentences.js';
export * from './tone-detector.js';
export * from './turn-taking.js';
export * from './turn-types.js';
export * from './utterance-text.js';
