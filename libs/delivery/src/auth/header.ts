import { required, type AuthScheme } from './auth-scheme.js';

/** A key in a header of its own. Options: `name`, `value`. */
export const header: AuthScheme = { label: 'Custom header', headers: (options) => ({ [required(options, 'name').toLowerCase()]: required(options, 'value') }) };
