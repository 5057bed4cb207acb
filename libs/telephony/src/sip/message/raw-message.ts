import { viaParameter, viaSentBy } from './wire.js';

/** One header field of a message as received: long-form name in lower case, value unfolded and trimmed. */
export interface RawHeader { name: string; value: string }

/** A SIP message cut into its lines, nothing interpreted (RFC 3261 §7). */
export interface RawMessage {
  startLine: string;
  headers: RawHeader[];
  body: string;
  /** Folded lines, compact forms that sip.js does not expand, or space before a colon: `canonicalText` reads the same without. */
  irregular: boolean;
}

/** More lines than this are an attack, not a call: real INVITEs have ten to forty. */
export const MAX_HEADER_LINES = 128;

const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact', b: 'referred-by', c: 'content-type', d: 'request-disposition', e: 'content-encoding', f: 'from', i: 'call-id', j: 'reject-contact',
  k: 'supported', l: 'content-length', m: 'contact', n: 'identity-info', o: 'event', r: 'refer-to', s: 'subject', t: 'to', u: 'allow-events', v: 'via',
  x: 'session-expires', y: 'identity',
};

/** Undefined where the text has no header section that ends, or a line in it that is no header field. */
export function readRawMessage(text: string): RawMessage | undefined {
  const end = text.indexOf('\r\n\r\n');
  const startEnd = text.indexOf('\r\n');
  if (end < 0 || startEnd <= 0) return undefined;
  const headers: RawHeader[] = [];
  let irregular = false;
  let at = startEnd + 2;
  while (at < end + 2) {
    let lineEnd = text.indexOf('\r\n', at);
    let folded = false;
    while (lineEnd < end && isBlank(text, lineEnd + 2)) {
      folded = true;
      lineEnd = text.indexOf('\r\n', lineEnd + 2);
    }
    const header = readHeader(text.slice(at, lineEnd), folded);
    if (!header || headers.length >= MAX_HEADER_LINES) return undefined;
    irregular ||= folded || header.irregular;
    headers.push(header);
    at = lineEnd + 2;
  }
  return { startLine: text.slice(0, startEnd), headers, body: text.slice(end + 4), irregular };
}

const isBlank = (text: string, at: number): boolean => text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9;

const NAME = /^[A-Za-z0-9\-.!%*_+`'~]+[ \t]*$/;

function readHeader(line: string, folded: boolean): (RawHeader & { irregular: boolean }) | undefined {
  const colon = line.indexOf(':');
  const written = line.slice(0, colon);
  if (colon <= 0 || !NAME.test(written)) return undefined;
  const short = written.trimEnd().toLowerCase();
  const name = short.length === 1 ? COMPACT[short] ?? short : short;
  const value = line.slice(colon + 1);
  return { name, value: folded ? unfolded(value) : value.trim(), irregular: name.length !== written.length };
}

/** RFC 3261 §7.3.1. By `trim`, not by a pattern: long runs of blanks would cost one its square. */
const unfolded = (value: string): string => value.split('\r\n').map((part) => part.trim()).filter(Boolean).join(' ');

/** The same message with one line per header field and long names: what sip.js reads surely. */
export const canonicalText = (message: RawMessage): string =>
  `${message.startLine}\r\n${message.headers.map(({ name, value }) => `${name}: ${value}\r\n`).join('')}\r\n${message.body}`;

/**
 * What names the transaction of a request (RFC 3261 §17.2.3): branch, sender and method; where the branch was not made by
 * the rules of RFC 3261, all that is compared instead. An ACK and a CANCEL have the name of their INVITE.
 */
export function transactionBranch(message: RawMessage): string {
  const via = firstOf(message, 'via') ?? '';
  const branch = viaParameter(via, 'branch') ?? '';
  const [method, uri = ''] = message.startLine.split(' ');
  const group = method === 'ACK' || method === 'CANCEL' ? 'INVITE' : method;
  if (branch.length <= MAGIC_COOKIE.length || !branch.startsWith(MAGIC_COOKIE)) return ['2543', group, uri, ...oldIdentity(message), via].join(' ');
  const { host, port } = viaSentBy(via) ?? { host: '', port: undefined };
  return `${branch} ${host.toLowerCase()}:${port ?? ''} ${group}`;
}

/** CSeq number, From tag and Call-ID. */
function oldIdentity(message: RawMessage): string[] {
  const [sequence] = (firstOf(message, 'cseq') ?? '').split(/\s/, 1);
  const tag = /;\s*tag\s*=\s*([^;\s]*)/i.exec(firstOf(message, 'from') ?? '')?.[1] ?? '';
  return [sequence, tag, firstOf(message, 'call-id') ?? ''];
}
/** RFC 3261 §8.1.1.7 */
const MAGIC_COOKIE = 'z9hG4bK';

/** Every value of a header field, as written. */
export const valuesOf = (message: RawMessage, name: string): string[] => message.headers.flatMap((header) => (header.name === name ? [header.value] : []));

export const firstOf = (message: RawMessage, name: string): string | undefined => message.headers.find((header) => header.name === name)?.value;

/** The members of a comma-separated list of tokens, over all its lines. */
export const tokensOf = (message: RawMessage, name: string): string[] =>
  valuesOf(message, name).join(',').split(',').map((token) => token.trim()).filter(Boolean);
