import { isIPv6 } from 'node:net';
import { Grammar } from 'sip.js/lib/grammar/grammar.js';
import { NameAddrHeader } from 'sip.js/lib/grammar/name-addr-header.js';
import { URI } from 'sip.js/lib/grammar/uri.js';

/**
 * The header rules that every call needs, parsed by hand. sip.js' PEG parser decodes its whole byte-code on each
 * `Grammar.parse`, about 0.16 ms a header. A rule answers only what it is sure of; `undefined` hands the text to the
 * PEG parser, so that anything unusual is judged as before. Where a hand rule accepts more than the PEG does, it says so.
 */
type Rule = (text: string) => unknown;

const URI_PARTS =
  /^(sips?):(?:([A-Za-z0-9\-_.!~*'()&=+$,;?/]+)@)?(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)(?::([1-9]\d{0,4}))?((?:;[A-Za-z0-9\-_.!~*'()[\]/:&+$]+(?:=[A-Za-z0-9\-_.!~*'()[\]/:&+$]+)?)*)$/i;
/** Names of these parameters have values that compare without case (RFC 3261 §19.1.1); sip.js lower-cases them. */
const LOWER_CASE_PARAMETERS = new Set(['transport', 'user']);
/** The PEG rule has its own grammar, and side effects, for these. */
const SPECIAL_PARAMETERS = new Set(['ttl', 'maddr', 'method', '__proto__']);

/**
 * Escapes, passwords and `?headers` are rare: they are the PEG parser's to judge. Accepts more than it: IPv6 references that
 * end in an IPv4 address, which it refuses (RFC 5118 §4.10).
 */
export function parseUri(text: string): URI | undefined {
  const match = URI_PARTS.exec(text);
  if (!match) return undefined;
  const [, scheme, user, host, port, rawParameters] = match;
  if (!plausibleHost(host)) return undefined;
  const parameters = rawParameters ? parseUriParameters(rawParameters) : {};
  return parameters && new URI(scheme, user, host, port === undefined ? undefined : Number(port), parameters);
}

/** An IPv4 address, or a dotted name whose last label starts with a letter (RFC 3261 §25.1). */
function plausibleHost(host: string): boolean {
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1));
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(host)) return host.split('.').every((octet) => Number(octet) <= 255);
  return /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(host);
}

function parseUriParameters(text: string): Record<string, string | null> | undefined {
  const out: Record<string, string | null> = {};
  for (const part of text.slice(1).split(';')) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).toLowerCase();
    if (SPECIAL_PARAMETERS.has(name) || KNOWN_PREFIX.test(name) || (equals < 0 && LOWER_CASE_PARAMETERS.has(name))) return undefined;
    out[name] = equals < 0 || name === 'lr' ? null : parameterValue(name, part.slice(equals + 1));
  }
  return out;
}

/** The PEG parser stumbles over names that go on after one it knows (`lr2`, `userx`), and so decides those. */
const KNOWN_PREFIX = /^(?:lr|ttl|user|maddr|method|transport)./;

const parameterValue = (name: string, value: string): string => (LOWER_CASE_PARAMETERS.has(name) ? value.toLowerCase() : value);

/** `"Display" <uri>;params` or `Display <uri>;params` (tokens only). Accepts more than the PEG: no blank before the bracket (RFC 4475 §3.1.1.6). */
const NAME_ADDR = /^(?:"((?:[^"\\\r\n]|\\[^\r\n])*)"\s*|([A-Za-z0-9\-.!%*_+`'~]+(?: +[A-Za-z0-9\-.!%*_+`'~]+)*) *)?<([^<>\s]+)>((?:;.*)?)$/;
/** The bare form: `;params` belong to the header, not to the URI (RFC 3261 §20.10). */
const ADDR_SPEC = /^(sips?:[^\s<>;?,"]+)((?:;.*)?)$/i;
const PARAMETER = /^([A-Za-z0-9\-.!%*_+`'~]+)(?:=([A-Za-z0-9\-.!%*_+`'~]+))?$/;

export function parseNameAddr(text: string): NameAddrHeader | undefined {
  const quoted = NAME_ADDR.exec(text);
  if (quoted) {
    const uri = parseAddress(quoted[3]);
    // The PEG parser, which has numbers for some parameters, knows no tel:.
    const parameters = parseHeaderParameters(quoted[4], /^tel:/i.test(quoted[3]));
    return uri && parameters && new NameAddrHeader(uri, quoted[1] ?? quoted[2] as string, parameters);
  }
  const bare = ADDR_SPEC.exec(text);
  const uri = bare && parseUri(bare[1]);
  const parameters = bare && parseHeaderParameters(bare[2]);
  return uri && parameters ? new NameAddrHeader(uri, undefined as unknown as string, parameters) : undefined;
}

/** Accepts more than the PEG: a `tel:` URI (RFC 3966), for which sip.js would drop the whole message. */
function parseAddress(text: string): URI | undefined {
  return /^tel:/i.test(text) ? telToSip(text) : parseUri(text);
}

/**
 * `tel:+1415…` → `sip:+1415…@tel.invalid;user=phone` (RFC 3261 §19.1.6). A local number in the context of a global prefix
 * is the two together (RFC 3966 §5.1.5).
 */
export function telToSip(text: string, host = 'tel.invalid'): URI | undefined {
  const [, number, parameters = ''] = /^tel:(\+?[0-9A-Fa-f*#().-]{1,40})(;.*)?$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  const prefix = number.startsWith('+') ? undefined : /;phone-context=(\+[0-9().-]{1,20})(?:;|$)/i.exec(parameters)?.[1];
  return new URI('sip', `${prefix ?? ''}${number}`.replace(/[().-]/g, ''), host, undefined, { user: 'phone' });
}

function parseHeaderParameters(text: string, any = false): Record<string, string> | undefined {
  const out: Record<string, string> = {};
  if (text === '') return out;
  for (const part of text.slice(1).split(';')) {
    const match = PARAMETER.exec(part);
    if (!match || match[1] === '__proto__' || (!any && SPECIAL_HEADER_PARAMETERS.has(match[1].toLowerCase()))) return undefined;
    out[match[1].toLowerCase()] = match[2] ?? null as unknown as string;
  }
  return out;
}
/** Contact's `q` and `expires` are numbers to the PEG parser; `tag` is text. */
const SPECIAL_HEADER_PARAMETERS = new Set(['q', 'expires']);

interface ListItem { position: number; offset: number; parsed: NameAddrHeader }

/** Comma-separated name-addrs with where each stands in the text. */
function parseNameAddrList(text: string): ListItem[] | undefined {
  const items: ListItem[] = [];
  if (text !== text.trim()) return undefined;
  for (const [from, to] of splitAtCommas(text)) {
    const raw = text.slice(from, to);
    const position = from + (raw.length - raw.trimStart().length);
    const offset = to - (raw.length - raw.trimEnd().length);
    const parsed = parseNameAddr(text.slice(position, offset));
    // The PEG parser lets a display name of one entry leak into the next: leave such lists to it, as they were.
    if (!parsed || (items.length > 0 && items[items.length - 1].parsed.displayName !== undefined)) return undefined;
    items.push({ position, offset, parsed });
  }
  return items;
}

/** RFC 3261 §20.30: each entry is a name-addr in angle brackets. */
const parseRouteList: Rule = (text) => (text.includes('<') && !/(^|,)\s*sips?:/i.test(text) ? parseNameAddrList(text) : undefined);

/** Start and end of each part; commas inside quotes or angle brackets do not split. */
export function splitAtCommas(text: string): [number, number][] {
  const parts: [number, number][] = [];
  let quoted = false;
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\\' && quoted) i++;
    else if (c === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (c === '<') depth++;
    else if (c === '>') depth--;
    else if (c === ',' && depth === 0) { parts.push([start, i]); start = i + 1; }
  }
  parts.push([start, text.length]);
  return parts;
}

const VIA = /^SIP\/2\.0\/(UDP|TCP|TLS|WS|WSS) (\d{1,3}(?:\.\d{1,3}){3}|[A-Za-z0-9.-]+)(?::([1-9]\d{0,4}))?((?:;[A-Za-z0-9\-.!%*_+`'~]+(?:=[A-Za-z0-9\-.!%*_+`'~]+)?)*)$/;
const HOST_PARAMETER = /^\d{1,3}(\.\d{1,3}){3}$/;

function parseVia(text: string): Record<string, unknown> | undefined {
  const match = VIA.exec(text);
  if (!match || !plausibleHost(match[2])) return undefined;
  const via: Record<string, unknown> = { protocol: 'SIP', transport: match[1], host_type: /^[\d.]+$/.test(match[2]) ? 'IPv4' : 'domain', host: match[2] };
  if (match[3] !== undefined) via.port = Number(match[3]);
  if (!match[4]) return via;
  for (const part of match[4].slice(1).split(';')) if (!setViaParameter(via, part)) return undefined;
  return via;
}

function setViaParameter(via: Record<string, unknown>, part: string): boolean {
  const equals = part.indexOf('=');
  const name = equals < 0 ? part : part.slice(0, equals);
  const value = equals < 0 ? undefined : part.slice(equals + 1);
  const key = name.toLowerCase();
  if (key === 'branch' && value !== undefined) { via.branch = value; return true; }
  if (key === 'rport' && (value === undefined || /^\d{1,5}$/.test(value))) { via.rport = value; return true; }
  if (key === 'received' && value !== undefined && HOST_PARAMETER.test(value)) { via.received = value; return true; }
  return false; // maddr, ttl, extensions: rare, the PEG parser takes them
}

const METHOD = '(INVITE|ACK|BYE|CANCEL|OPTIONS|INFO|UPDATE|PRACK|REGISTER|SUBSCRIBE|NOTIFY|REFER|MESSAGE|PUBLISH)';
const REQUEST_LINE = new RegExp(`^${METHOD} (\\S+) SIP/2\\.0$`);
const CSEQ = new RegExp(`^(\\d{1,10}) ${METHOD}$`);
const STATUS_LINE = /^SIP\/2\.0 ([1-6]\d\d) ([A-Za-z0-9 \-_.!~*'();/?:@&=+$,]*)$/;

function parseStartLine(text: string): Record<string, unknown> | undefined {
  const status = STATUS_LINE.exec(text);
  if (status) return { sip_version: 'SIP/2.0', status_code: Number(status[1]), reason_phrase: status[2] };
  const request = REQUEST_LINE.exec(text);
  const uri = request && parseAddress(request[2]);
  return uri ? { method: request[1], uri, sip_version: 'SIP/2.0' } : undefined;
}

function parseCSeq(text: string): { value: number; method: string } | undefined {
  const match = CSEQ.exec(text);
  return match ? { value: Number(match[1]), method: match[2] } : undefined;
}

const shortNumber: Rule = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);

export const fastRules: Readonly<Record<string, Rule>> = {
  Request_Response: parseStartLine,
  Via: parseVia,
  From: parseNameAddr,
  To: parseNameAddr,
  Contact: parseNameAddrList,
  Record_Route: parseRouteList,
  CSeq: parseCSeq,
  Call_ID: (text) => (/^[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+(?:@[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+)?$/.test(text) ? text : undefined),
  Content_Length: shortNumber,
  Max_Forwards: shortNumber,
  Content_Type: (text) => (/^application\/(sdp|dtmf-relay|dtmf)$/i.test(text) ? text.toLowerCase() : undefined),
  // Accepts anything: DigestSession reads challenges from the text, and one that makes no sense must not lose the 401 around it.
  WWW_Authenticate: (text) => ({ text }),
  Proxy_Authenticate: (text) => ({ text }),
};

export const pegParse = Grammar.parse;

/** `Grammar.parse` with the hand rules before the PEG parser. */
export function fastParse(text: string, rule: string): unknown {
  const fast = Object.hasOwn(fastRules, rule) ? fastRules[rule](text) : undefined;
  return fast === undefined ? pegParse(text, rule) : fast;
}
