import { UnsafeSipValueError } from './header-safety.js';

const BREAK = /[\r\n\0]/;
/** Name, colon, and a value, line by line. What a peer wrote comes back as it was, a NUL behind a backslash too (RFC 3261 §8.2.6.2). */
const LINES = /^(?:[A-Za-z0-9\-.!%*_+`'~]+[ \t]*:(?:[^\r\n\0]|\\\0)*\r\n)+$/;
const CONTENT_LENGTH = /^(?:Content-Length|l)[ \t]*:[ \t]*(\d+)[ \t]*$/i;
const START_LINE = /^(?:SIP\/2\.0 [1-6]\d\d [^\r\n\0]*|[A-Za-z0-9\-.!%*_+`'~]+ [^\s\0]+ SIP\/2\.0)$/;

/** Throws UnsafeSipValueError when one of the values, each to become part of one line, holds a line break or a NUL. */
export function assertSingleLines(values: Iterable<string | undefined>): void {
  for (const value of values) {
    if (value !== undefined && BREAK.test(value)) throw new UnsafeSipValueError('a value for a SIP message holds a line break');
  }
}

/**
 * The last look at a message of ours before it leaves: start line, header fields one per line, one empty line, and a body as
 * long as announced. Says what is wrong, undefined when all is well.
 */
export function wireFault(text: string): string | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return 'no end of the header section';
  const startEnd = text.indexOf('\r\n');
  if (!START_LINE.test(text.slice(0, startEnd))) return 'a start line that is none';
  const lines = text.slice(startEnd + 2, end + 2);
  if (!LINES.test(lines)) return 'a header line that is none';
  const lengths = contentLengths(lines);
  if (lengths.length !== 1) return `${lengths.length} Content-Length fields`;
  return lengths[0] === Buffer.byteLength(text.slice(end + 4)) ? undefined : 'a body that is not as long as announced';
}

/** Only a line that begins like one is looked at: a pattern for all of them costs more than the rest of the guard. */
function contentLengths(lines: string): number[] {
  const lengths: number[] = [];
  for (let at = 0, end = 0; at < lines.length; at = end + 2) {
    end = lines.indexOf('\r\n', at);
    const match = 'cClL'.includes(lines[at]) ? CONTENT_LENGTH.exec(lines.slice(at, end)) : null;
    if (match) lengths.push(Number(match[1]));
  }
  return lengths;
}
