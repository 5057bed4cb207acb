import { EgressError } from './egress-error.js';

/** RFC 9110 §5.6.2 token, and field content without controls (§5.5): no CR, LF or NUL can come in with a value. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Framing and routing belong to the client: a configured header must not smuggle a second request. */
const reserved = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'te', 'trailer', 'keep-alive', 'expect', 'proxy-connection']);

const MAX_TOTAL_CHARS = 16_384;

/** What is wrong with a header, in words that never repeat its value; undefined when it may be sent. */
export function headerProblem(name: string, value: string): string | undefined {
  if (!TOKEN.test(name)) return `${JSON.stringify(name)} is not a header name`;
  if (reserved.has(name.toLowerCase())) return `the header "${name}" is set by the platform`;
  return FIELD_VALUE.test(value) ? undefined : `the value of header "${name}" holds characters that a header cannot carry`;
}

/** @throws EgressError `invalid_header` */
export function checkHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  let chars = 0;
  for (const [name, value] of Object.entries(headers)) {
    const problem = headerProblem(name, value);
    if (problem !== undefined) throw new EgressError('invalid_header', problem);
    chars += name.length + value.length;
  }
  if (chars > MAX_TOTAL_CHARS) throw new EgressError('invalid_header', `headers are longer than ${MAX_TOTAL_CHARS} characters together`);
  return { ...headers };
}
