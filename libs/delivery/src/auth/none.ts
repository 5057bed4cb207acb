import type { AuthScheme } from './auth-scheme.js';

export const none: AuthScheme = { label: 'None', headers: () => ({}) };
