import { isIPv6 } from 'node:net';
import { ACCEPT_HEADER, ALLOW_HEADER, DIALOG_METHODS, KNOWN_METHODS, REFUSED_METHODS, SUPPORTED_EXTENSIONS, URI_SCHEMES } from '../message/capabilities.js';
import { firstOf, tokensOf, valuesOf, type RawMessage } from '../message/raw-message.js';

/** A request that is answered without any state. */
export interface Refusal { statusCode: number; reasonPhrase?: string; extraHeaders?: string[] }

/** RFC 3261 §8.1.1.5: less than 2**31. */
const MAX_CSEQ = 2 ** 31 - 1;
const MAX_VIAS = 70;
/** Once each and no more (RFC 3261 §7.3.1). */
const SINGLE: ReadonlySet<string> = new Set(['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length', 'content-type']);
const MANDATORY = ['via', 'from', 'to', 'call-id', 'cseq'];
/** Control characters have no place in a header section but behind a backslash, inside a quoted string (RFC 3261 §25.1). */
const CONTROL = /(?<!\\)[\x00-\x08\x0a-\x1f\x7f]|\\[\r\n]/;
const ANY_CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const REQUEST_LINE = /^([A-Za-z0-9\-.!%*_+`'~]+) (\S+) (SIP\/\d+\.\d+)$/i;
const CSEQ = /^(\d{1,10})[ \t]+([A-Za-z0-9\-.!%*_+`'~]+)$/;
/** Parsed by grammar, at up to 5 µs a byte: longer ones, or more of them, would hold up every call for more than 20 ms. */
const PARSED: ReadonlySet<string> = new Set(['from', 'to', 'call-id', 'contact', 'record-route', 'cseq', 'content-type', 'refer-to', 'max-forwards']);
const MAX_FIELD_LENGTH = 1_536;
const MAX_PARSED_LENGTH = 3_072;
/** The grammar goes over a run of blanks again for each of them. */
const BLANKS = /[ \t]{33}/;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;

export interface RequestLine { method: string; uri: string; version: string }

export function readRequestLine(line: string): RequestLine | undefined {
  const match = REQUEST_LINE.exec(line);
  return match ? { method: match[1], uri: match[2], version: match[3].toUpperCase() } : undefined;
}

/**
 * Why a request is refused before any part of it is believed: its grammar, then what it wants of us (RFC 3261 §8.2).
 * Undefined: it may go on to sip.js.
 */
export function requestFault(message: RawMessage): Refusal | undefined {
  const line = readRequestLine(message.startLine);
  if (!line) return bad('Bad Request Line');
  if (line.version !== 'SIP/2.0') return { statusCode: 505 };
  return lengthFault(message) ?? controlFault(message) ?? countFault(message) ?? unknownMethod(line.method) ?? cseqFault(message, line.method) ?? tagFault(message, line.method) ?? numberFault(message) ?? addressFault(message)
    ?? uriFault(line.uri) ?? methodFault(line.method, message) ?? extensionFault(message, line.method) ?? bodyFault(message, line.method);
}

const bad = (reasonPhrase: string): Refusal => ({ statusCode: 400, reasonPhrase });

const isTooLong = (field: string): boolean => field.length > MAX_FIELD_LENGTH || BLANKS.test(field);

/** Of what is parsed: the start line, the first Via, and the fields above. */
function lengthFault(message: RawMessage): Refusal | undefined {
  const via = firstOf(message, 'via') ?? '';
  if (isTooLong(message.startLine) || isTooLong(via)) return bad('Header Field Too Long');
  let total = message.startLine.length + via.length;
  for (const { name, value } of message.headers) {
    if (!PARSED.has(name)) continue;
    if (isTooLong(value)) return bad('Header Field Too Long');
    total += value.length;
  }
  return total > MAX_PARSED_LENGTH ? bad('Header Field Too Long') : undefined;
}

const hasControl = (text: string): boolean => ANY_CONTROL.test(text) && CONTROL.test(text);

const controlFault = (message: RawMessage): Refusal | undefined =>
  (hasControl(message.startLine) || message.headers.some(({ value }) => hasControl(value)) ? bad('Control Character') : undefined);

function countFault(message: RawMessage): Refusal | undefined {
  const seen = new Set<string>();
  let vias = 0;
  for (const { name } of message.headers) {
    if (name === 'via') vias++;
    else if (SINGLE.has(name) && seen.has(name)) return bad(`More Than One ${title(name)}`);
    seen.add(name);
  }
  const missing = MANDATORY.find((name) => !seen.has(name));
  if (missing !== undefined) return bad(`Missing ${title(missing)}`);
  return vias > MAX_VIAS ? bad('Too Many Hops') : undefined;
}

function cseqFault(message: RawMessage, method: string): Refusal | undefined {
  const match = CSEQ.exec(firstOf(message, 'cseq') ?? '');
  return !match || match[2] !== method || Number(match[1]) > MAX_CSEQ ? bad('Bad CSeq') : undefined;
}

/** Without one there is no dialog that we could ever end. */
const tagFault = (message: RawMessage, method: string): Refusal | undefined =>
  (method === 'CANCEL' || /;\s*tag\s*=/i.test(firstOf(message, 'from') ?? '') ? undefined : bad('Missing From Tag'));

function numberFault(message: RawMessage): Refusal | undefined {
  const maxForwards = firstOf(message, 'max-forwards');
  if (maxForwards !== undefined && !(/^\d{1,9}$/.test(maxForwards) && Number(maxForwards) <= 255)) return bad('Bad Max-Forwards');
  const length = firstOf(message, 'content-length');
  if (length === undefined) return undefined;
  if (!/^\d{1,9}$/.test(length)) return bad('Bad Content-Length');
  return Buffer.byteLength(message.body) < Number(length) ? bad('Body Shorter Than Content-Length') : undefined;
}

/** From, To and Contact: quotes and angle brackets in pairs, and no header fields inside a Contact without brackets. */
function addressFault(message: RawMessage): Refusal | undefined {
  for (const { name, value } of message.headers) {
    if (!ADDRESSES.has(name)) continue;
    if (!isBalanced(value)) return bad(`Bad ${title(name)}`);
    if (!value.includes('<') && value.includes('?')) return bad(`Bad ${title(name)}`);
  }
  return undefined;
}
const ADDRESSES = new Set(['from', 'to', 'contact', 'route', 'record-route']);

/** Quotes close, and each `<` has its `>` before the next. */
function isBalanced(value: string): boolean {
  let quoted = false;
  let open = false;
  for (let i = 0; i < value.length; i++) {
    const c = value[i];
    if (quoted) {
      if (c === '\\') i++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '<') { if (open) return false; open = true; } else if (c === '>') { if (!open) return false; open = false; }
  }
  return !quoted && !open;
}

const unknownMethod = (method: string): Refusal | undefined => (KNOWN_METHODS.has(method) ? undefined : { statusCode: 501, extraHeaders: [ALLOW_HEADER] });

function methodFault(method: string, message: RawMessage): Refusal | undefined {
  const outside = !/;\s*tag\s*=/i.test(firstOf(message, 'to') ?? '');
  if (outside && DIALOG_METHODS.has(method)) return { statusCode: 481 };
  return outside && REFUSED_METHODS.has(method) ? { statusCode: 405, extraHeaders: [ALLOW_HEADER] } : undefined;
}

function uriFault(uri: string): Refusal | undefined {
  const scheme = SCHEME.exec(uri)?.[1].toLowerCase();
  if (scheme === undefined) return bad('Bad Request URI');
  if (!URI_SCHEMES.has(scheme)) return { statusCode: 416 };
  if (scheme === 'tel') return undefined;
  const host = uri.slice(Math.max(uri.indexOf('@'), scheme.length) + 1);
  // RFC 3261 §19.1.1: header fields have no place in a request URI.
  if (host.includes('?')) return bad('Header Fields In Request URI');
  const match = HOST_PORT.exec(host);
  return !match || (match[1] !== undefined && !isIPv6(match[1])) ? bad('Bad Host In Request URI') : undefined;
}
/** An IPv6 address stands in brackets (RFC 5118 §4.2). */
const HOST_PORT = /^(?:\[([^\]]*)\]|[^[\]:;]+)(?::\d{1,5})?(?:;.*)?$/;

/** CANCEL and ACK must not be refused for an extension (RFC 3261 §8.2.2.3). */
function extensionFault(message: RawMessage, method: string): Refusal | undefined {
  if (method === 'ACK' || method === 'CANCEL') return undefined;
  const unsupported = tokensOf(message, 'require').filter((tag) => !SUPPORTED_EXTENSIONS.has(tag.toLowerCase()));
  return unsupported.length > 0 ? { statusCode: 420, extraHeaders: [`Unsupported: ${unsupported.join(', ')}`] } : undefined;
}

/** What an INVITE carries must be a description of a session, and so must what it accepts (RFC 3261 §8.2.3, §21.4.7). */
function bodyFault(message: RawMessage, method: string): Refusal | undefined {
  if (method !== 'INVITE') return undefined;
  const accepted = valuesOf(message, 'accept').join(',');
  if (accepted !== '' && !/(?:^|,)\s*(?:\*\/\*|application\/(?:\*|sdp))\s*(?:[;,]|$)/i.test(accepted)) return { statusCode: 406, extraHeaders: [ACCEPT_HEADER] };
  if (message.body === '' || Number(firstOf(message, 'content-length') ?? 1) === 0) return undefined;
  if (/;\s*handling\s*=\s*optional/i.test(firstOf(message, 'content-disposition') ?? '')) return undefined;
  const encoding = firstOf(message, 'content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return { statusCode: 415, extraHeaders: ['Accept-Encoding: identity'] };
  const type = firstOf(message, 'content-type');
  if (type === undefined) return bad('Missing Content-Type');
  return /^\s*(?:application\s*\/\s*sdp|multipart\s*\/\s*\S+)\s*(?:;|$)/i.test(type) ? undefined : { statusCode: 415, extraHeaders: [ACCEPT_HEADER] };
}

/** `call-id` → `Call-ID`, for a reason phrase. */
const title = (name: string): string => name.replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase()).replace(/-Id$/, '-ID').replace(/^Cseq$/, 'CSeq');

const STATUS_LINE = /^SIP\/2\.0 [1-6]\d\d(?: .*)?$/i;

/** A response that cannot be believed is dropped: nobody waits for an answer to it. */
export function isCredibleResponse(message: RawMessage): boolean {
  if (!STATUS_LINE.test(message.startLine) || lengthFault(message) || controlFault(message) || countFault(message) || numberFault(message)) return false;
  const cseq = CSEQ.exec(firstOf(message, 'cseq') ?? '');
  // To a request of ours, that is; sip.js trips over names that begin with one it knows.
  return cseq !== null && Number(cseq[1]) <= MAX_CSEQ && KNOWN_METHODS.has(cseq[2]);
}
