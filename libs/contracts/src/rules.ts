import { ValidateBy, type ValidationOptions } from 'class-validator';

/** An IANA time zone that this runtime knows. */
export const IsTimeZone = (options?: ValidationOptions): PropertyDecorator => ValidateBy({
  name: 'isTimeZone',
  validator: { validate: (value) => typeof value === 'string' && isTimeZone(value), defaultMessage: () => 'must be an IANA time zone such as Europe/Berlin' },
}, options);

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try { return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''; } catch { return false; }
}

/** A plain JSON object whose values are texts. */
export const IsTextRecord = (limits: { maxEntries: number; maxLength: number }, options?: ValidationOptions): PropertyDecorator => ValidateBy({
  name: 'isTextRecord',
  validator: {
    validate: (value) => isRecord(value) && Object.keys(value).length <= limits.maxEntries
      && Object.values(value).every((entry) => typeof entry === 'string' && entry.length <= limits.maxLength),
    defaultMessage: () => `must be an object of at most ${limits.maxEntries} texts, each of at most ${limits.maxLength} characters`,
  },
}, options);

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
/** Set by the platform, or about the connection and not the message (RFC 9110 §7.6.1). */
const RESERVED_HEADERS = new Set(['host', 'content-length', 'content-type', 'transfer-encoding', 'connection', 'upgrade', 'te', 'trailer', 'keep-alive', 'expect',
  'webhook-id', 'webhook-timestamp', 'webhook-signature']);

/** HTTP header fields: names are tokens (RFC 9110 §5.1), values have no control characters. */
export const IsHeaderRecord = (options?: ValidationOptions): PropertyDecorator => ValidateBy({
  name: 'isHeaderRecord',
  validator: {
    validate: (value) => isRecord(value) && Object.keys(value).length <= 32 && Object.entries(value).every(([name, text]) => isHeader(name, text)),
    defaultMessage: () => 'must be an object of at most 32 HTTP headers: names are tokens and not set by the platform, values have no line breaks',
  },
}, options);

export const isHeader = (name: string, text: unknown): boolean => HEADER_NAME.test(name) && !RESERVED_HEADERS.has(name.toLowerCase())
  && typeof text === 'string' && text.length <= 4096 && !/[\x00-\x08\x0a-\x1f\x7f]/.test(text);

/** An http(s) URL without credentials. Templates (`{{crm.id}}`) may stand in the path and query, never in the host. */
export const IsHttpUrl = (options?: ValidationOptions): PropertyDecorator => ValidateBy({
  name: 'isHttpUrl',
  validator: { validate: (value) => typeof value === 'string' && isHttpUrl(value), defaultMessage: () => 'must be an http(s) URL of at most 2048 characters, without user and password' },
}, options);

function isHttpUrl(text: string): boolean {
  if (text.length > 2048 || /[\s\\]/.test(text.replace(/\{\{[^{}]*\}\}/g, ''))) return false;
  let url: URL;
  try { url = new URL(text); } catch { return false; }
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === '' && !/\{\{|%7b/i.test(url.host);
}

/** An object of any JSON shape: bounded as text. */
export const IsJsonObject = (limits: { maxBytes: number; maxFields?: number }, options?: ValidationOptions): PropertyDecorator => ValidateBy({
  name: 'isJsonObject',
  validator: {
    validate: (value) => isRecord(value) && Object.keys(value).length <= (limits.maxFields ?? Infinity) && jsonBytes(value) <= limits.maxBytes,
    defaultMessage: () => `must be an object of at most ${limits.maxFields === undefined ? '' : `${limits.maxFields} fields and `}${limits.maxBytes} bytes as JSON`,
  },
}, options);

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const jsonBytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
