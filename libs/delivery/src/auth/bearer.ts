import { required, type AuthScheme } from './auth-scheme.js';

/** RFC 6750 §2.1. Options: `token`. */
export const bearer: AuthScheme = { label: 'Bearer token', headers: (options) => ({ authorization: `Bearer ${required(options, 'token')}` }) };
