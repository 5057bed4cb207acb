export * from './recording-store.js';
export * from './recording-tokens.js';
