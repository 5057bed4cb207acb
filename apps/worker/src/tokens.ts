/** Injection tokens of what Nest cannot name by class. */
export const LOGGER = Symbol('Logger');
