import type { AuthScheme } from './auth-scheme.js';
import { basic } from './basic.js';
import { bearer } from './bearer.js';
import { header } from './header.js';
import { none } from './none.js';

/** By the name that an endpoint's settings carry. */
export const pushAuthSchemes = { none, bearer, basic, header } satisfies Record<string, AuthScheme>;

/** Headers of the named scheme. @throws Error when the scheme is unknown or an option is missing. */
export function authHeaders(scheme: string, options: Readonly<Record<string, string>>): Record<string, string> {
  const schemes: Readonly<Record<string, AuthScheme>> = pushAuthSchemes;
  if (!Object.hasOwn(schemes, scheme)) throw new Error(`unknown auth scheme "${scheme}"`);
  return schemes[scheme].headers(options);
}
