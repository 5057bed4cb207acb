export * from './fleet.js';
export * from './data-folder.js';
export * from './free-port.js';
