/** What the gateway is given from outside: one token each, bound in gateway.module.ts. */
export const CLOCK = Symbol('Clock');
export const DATABASE = Symbol('Database');
export const LOGGER = Symbol('Logger');
export const RECORDINGS = Symbol('RecordingStore');
export const SETTINGS = Symbol('GatewaySettings');
