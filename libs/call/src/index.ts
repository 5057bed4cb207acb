export * from './call-leg.js';
export * from './call-machine.js';
export * from './call-plan.js';
export * from './call-result.js';
export * from './disconnected-by.js';
export * from './inbound-number.js';
export * from './phone-number.js';
export * from './sip-ladder.js';
