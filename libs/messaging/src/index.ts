export * from './call-publisher.js';
export * from './connection.js';
export * from './fleet-client.js';
export * from './subjects.js';
