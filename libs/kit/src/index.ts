export * from './async-queue.js';
export * from './backoff.js';
export * from './clock.js';
export * from './emitter.js';
export * from './id.js';
export * from './logger.js';
export * from './mask.js';
export * from './result.js';
