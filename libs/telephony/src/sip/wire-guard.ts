import { UnsafeSipValueError } from './header-safety.js';

const BREAK = /[\r\n\0]/;
/** Name, colon, and a value on one line. What a peer wrote comes back as it was, a NUL behind a backslash too (RFC 3261 §8.2.6.2). */
const LINE = /^[A-Za-z0-9\-.!%*_+`'~]+[ \t]*:(?:[^\r\n\0]|\\\0)*$/;
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
  const [startLine, ...lines] = text.slice(0, end).split('\r\n');
  if (!START_LINE.test(startLine)) return 'a start line that is none';
  const broken = lines.find((line) => !LINE.test(line));
  if (broken !== undefined) return `a header line that is none: ${JSON.stringify(broken.slice(0, 20))}`;
  const lengths = lines.filter((line) => /^(?:Content-Length|l)[ \t]*:/i.test(line));
  const body = text.slice(end + 4);
  if (lengths.length !== 1) return `${lengths.length} Content-Length fields`;
  return Number(lengths[0].slice(lengths[0].indexOf(':') + 1)) === Buffer.byteLength(body) ? undefined : 'a body that is not as long as announced';
}
