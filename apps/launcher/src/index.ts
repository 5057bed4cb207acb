export * from './fleet.js';
export * from './data-folder.js';
export * from './free-port.js';
export * from './demo/api-client.js';
export * from './demo/crm-receiver.js';
