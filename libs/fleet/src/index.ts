export * from './claim-call.js';
export * from './claim.js';
export * from './heartbeat.js';
export * from './pick.js';
export * from './registry.js';
export * from './inbound.js';
