export * from './address-guard.js';
export * from './allow-list.js';
export * from './egress-error.js';
export * from './egress-fetch.js';
export * from './request-headers.js';
