import { required, type AuthScheme } from './auth-scheme.js';

/** RFC 7617 §2, UTF-8. Options: `username`, `password`. */
export const basic: AuthScheme = {
  label: 'User name and password',
  headers: (options) => ({ authorization: `Basic ${Buffer.from(`${required(options, 'username')}:${options['password'] ?? ''}`, 'utf8').toString('base64')}` }),
};
