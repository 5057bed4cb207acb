import { isIP } from 'node:net';

/** A value that must not go onto the wire: it would break the message or smuggle a header into it. */
export class UnsafeSipValueError extends Error {}

const MAX_VALUE_LENGTH = 1_024;
/** What a user part may hold without escapes (RFC 3261 §25.1), and `#`, which sip.js escapes. No `@`, `:` or spaces. */
const USER = /^[A-Za-z0-9\-_.!~*'()&=+$,;?/#]{1,128}$/;
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}))*\.?$/;
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]{1,64}$/;
const CONTROL = /[\x00-\x1f\x7f\u2028\u2029]/;

/** Header fields that the stack writes itself. */
const RESERVED = new Set([
  'via', 'v', 'from', 'f', 'to', 't', 'call-id', 'i', 'cseq', 'contact', 'm', 'max-forwards', 'content-length', 'l', 'content-type', 'c',
  'route', 'record-route', 'authorization', 'proxy-authorization', 'www-authenticate', 'proxy-authenticate', 'require', 'supported', 'k', 'user-agent', 'allow',
]);

export function safeUser(value: string, what: string): string {
  if (!USER.test(value)) throw new UnsafeSipValueError(`${what} is no SIP user part: letters, digits and - _ . ! ~ * ' ( ) & = + $ , ; ? / # only, 1 to 128`);
  return value;
}

export function safeHost(value: string, what: string): string {
  if (isIP(value) === 0 && !HOST_NAME.test(value)) throw new UnsafeSipValueError(`${what} is neither a host name nor an IP address`);
  return value;
}

export function safePort(value: number, what: string): number {
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new UnsafeSipValueError(`${what} is no port number`);
  return value;
}

/** Any text without control characters: header values, reason phrases, display names, credentials. */
export function safeText(value: string, what: string): string {
  if (value.length > MAX_VALUE_LENGTH || CONTROL.test(value)) {
    throw new UnsafeSipValueError(`${what} must have at most ${MAX_VALUE_LENGTH} characters and no line breaks or control characters`);
  }
  return value;
}

/** `{name: value}` → header lines; refuses names that are no tokens or belong to the stack. */
export function safeHeaders(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).map(([name, value]) => {
    if (!TOKEN.test(name) || RESERVED.has(name.toLowerCase())) throw new UnsafeSipValueError('extra header has a name that is no token, or is written by the SIP stack');
    return `${name}: ${safeText(value, `header ${name}`)}`;
  });
}
