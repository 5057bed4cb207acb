import { IncomingMessage } from 'sip.js/lib/core/messages/incoming-message.js';
import { OutgoingRequestMessage } from 'sip.js/lib/core/messages/outgoing-request-message.js';
import { headerize } from 'sip.js/lib/core/messages/utils.js';
import { Grammar } from 'sip.js/lib/grammar/grammar.js';
import { URI } from 'sip.js/lib/grammar/uri.js';
import { assertSingleLines } from '../message/wire-guard.js';

/*
 * What sip.js does over and over in each call, done once or by shorter ways, to the same result: a fifth of a call's cost.
 * Differential tests hold these against the originals.
 */

interface IncomingHeader { raw: string; parsed?: unknown }
interface Incoming {
  headers: Record<string, IncomingHeader[]>;
  addHeader(name: string, value: string): void;
  getHeader(name: string): string | undefined;
  getHeaders(name: string): string[];
  hasHeader(name: string): boolean;
  parseHeader(name: string, index?: number): unknown;
  setHeader(name: string, value: string): void;
}
/** An OutgoingRequestMessage with what is private in it. */
export interface RequestToWrite {
  method: string; ruri: URI; headers: Record<string, string[]>; extraHeaders: string[]; body?: { body?: string; contentType?: string };
  options: { userAgentString: string; optionTags: string[] };
  getHeader(name: string): string | undefined;
  getHeaders(name: string): string[];
  hasHeader(name: string): boolean;
  setHeader(name: string, value: string | string[]): void;
  toString(): string;
}
interface UriParts { scheme: string; user?: string; host: string; port?: number }
interface Uri { headers: Record<string, string[]>; parameters: Record<string, string | null>; raw: UriParts; clone(): URI; escapeUser(user: string): string; _toString(parts: UriParts): string }

const incoming = IncomingMessage.prototype as unknown as Incoming;
const outgoing = OutgoingRequestMessage.prototype as unknown as RequestToWrite;
const uriPrototype = URI.prototype as unknown as Uri;

export const speedPatchPoints: Record<string, () => boolean> = {
  headerize: () => typeof headerize === 'function',
  'IncomingMessage.prototype': () => (['addHeader', 'getHeader', 'getHeaders', 'hasHeader', 'parseHeader', 'setHeader'] as const).every((name) => Object.hasOwn(incoming, name)),
  'OutgoingRequestMessage.prototype': () => (['getHeader', 'getHeaders', 'hasHeader', 'setHeader', 'toString'] as const).every((name) => Object.hasOwn(outgoing, name)),
  'URI.prototype': () => (['clone', 'escapeUser', '_toString'] as const).every((name) => Object.hasOwn(uriPrototype, name)),
};

const MAX_NAMES = 512;
const MAX_NAME_LENGTH = 40;
const names = new Map<string, string>();

/** `call-id` → `Call-ID`. Far ends choose names, too: not all are kept. */
function headerName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const written = headerize(name);
  if (names.size < MAX_NAMES && name.length <= MAX_NAME_LENGTH) names.set(name, written);
  return written;
}

export function speedUpHeaders(): void {
  Object.assign(incoming, incomingHeaders);
  Object.assign(outgoing, outgoingHeaders);
}

const incomingHeaders: Omit<Incoming, 'headers'> & ThisType<Incoming> = {
  addHeader(name, value) { (this.headers[headerName(name)] ??= []).push({ raw: value }); },
  getHeader(name) { return this.headers[headerName(name)]?.[0]?.raw; },
  getHeaders(name) { return this.headers[headerName(name)]?.map(({ raw }) => raw) ?? []; },
  hasHeader(name) { return this.headers[headerName(name)] !== undefined; },
  setHeader(name, value) { this.headers[headerName(name)] = [{ raw: value }]; },
  parseHeader(name, index = 0) {
    const key = headerName(name);
    const header = this.headers[key]?.[index];
    if (!header) return undefined;
    if (header.parsed) return header.parsed;
    const parsed: unknown = Grammar.parse(header.raw, key.replaceAll('-', '_'));
    if (parsed === -1) { this.headers[key].splice(index, 1); return undefined; }
    header.parsed = parsed;
    return parsed;
  },
};

const outgoingHeaders: Pick<RequestToWrite, 'getHeader' | 'getHeaders' | 'hasHeader' | 'setHeader'> & ThisType<RequestToWrite> = {
  getHeader(name) {
    const own = this.headers[headerName(name)];
    return own ? own[0] || undefined : extraValues(this, name)[0];
  },
  getHeaders(name) {
    const own = this.headers[headerName(name)];
    return own ? [...own] : extraValues(this, name);
  },
  hasHeader(name) { return this.headers[headerName(name)] !== undefined || extraValues(this, name).length > 0; },
  setHeader(name, value) { this.headers[headerName(name)] = Array.isArray(value) ? value : [value]; },
};

function extraValues({ extraHeaders }: RequestToWrite, name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (const line of extraHeaders) {
    const colon = line.indexOf(':');
    if (colon >= 0 && line.slice(0, colon).trim().toLowerCase() === wanted) values.push(line.slice(colon + 1).trim());
  }
  return values;
}

/** What URIs of calls are made of. */
const PLAIN_USER = /^[A-Za-z0-9\-_.!~*'()+:?/]*$/;

export function speedUpUris(): void {
  const { clone, escapeUser, _toString } = uriPrototype;
  uriPrototype.escapeUser = function (user) { return PLAIN_USER.test(user) ? user : escapeUser.call(this, user); };
  uriPrototype.clone = function (this: Uri & { parameters: Record<string, string | null> }) {
    if (hasKeys(this.headers)) return clone.call(this);
    const { scheme, user, host, port } = this.raw;
    return new URI(scheme, user || '', host, port, this.parameters as Record<string, string>);
  };
  uriPrototype._toString = function (this: Uri, parts) {
    if ((parts.scheme !== 'sip' && parts.scheme !== 'sips') || hasKeys(this.headers)) return _toString.call(this, parts);
    let text = parts.user ? `${parts.scheme}:${this.escapeUser(parts.user)}@${parts.host}` : `${parts.scheme}:${parts.host}`;
    if (parts.port || parts.port === 0) text += `:${parts.port}`;
    for (const name of Object.keys(this.parameters)) text += this.parameters[name] === null ? `;${name}` : `;${name}=${this.parameters[name]}`;
    return text;
  };
}

function hasKeys(object: object): boolean {
  for (const key in object) if (Object.hasOwn(object, key)) return true;
  return false;
}

/**
 * The text of a request. sip.js joins values into it unseen: one with a line break would become header fields of its own,
 * and is refused here. Throws UnsafeSipValueError.
 */
export function writeRequest(message: RequestToWrite): string {
  const { method, ruri, headers, extraHeaders, options, body } = message;
  const uri = ruri.toRaw();
  const extra = extraHeaders.map((line) => line.trim());
  assertSingleLines([method, uri, options.userAgentString, body?.contentType, ...options.optionTags, ...extra]);
  let text = `${method} ${uri} SIP/2.0\r\n`;
  for (const name of Object.keys(headers)) {
    const values = headers[name];
    assertSingleLines(values);
    for (const value of values) text += `${name}: ${value}\r\n`;
  }
  for (const line of extra) text += `${line}\r\n`;
  text += `Supported: ${options.optionTags.join(', ')}\r\nUser-Agent: ${options.userAgentString}\r\n`;
  if (!body?.body || !body.contentType) return `${text}Content-Length: 0\r\n\r\n`;
  return `${text}Content-Type: ${body.contentType}\r\nContent-Length: ${Buffer.byteLength(body.body)}\r\n\r\n${body.body}`;
}
