const DIGIT = /^[0-9A-D*#]$/i;

/**
 * The key in the body of a SIP INFO: `Signal=5` of application/dtmf-relay, or the bare digit of application/dtmf. Both are
 * conventions without an RFC. Undefined for anything else.
 */
export function digitOfInfo(contentType: string | undefined, body: string): string | undefined {
  const type = contentType?.split(';')[0].trim().toLowerCase();
  const signal = type === 'application/dtmf-relay' ? /^\s*Signal\s*=\s*(\S+)/im.exec(body)?.[1] : type === 'application/dtmf' ? body.trim() : undefined;
  const key = signal === '10' ? '*' : signal === '11' ? '#' : signal;
  return key !== undefined && DIGIT.test(key) ? key.toUpperCase() : undefined;
}
