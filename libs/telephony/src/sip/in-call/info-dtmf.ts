import type { Session } from 'sip.js/lib/core/session/session.js';

const DIGIT = /^[0-9A-D*#]$/i;
/** What the far end makes of a digit's length where it makes tones of it. */
const DIGIT_DURATION_MS = 160;

/**
 * The key in the body of a SIP INFO: `Signal=5` of application/dtmf-relay, or the bare digit of application/dtmf. Both are
 * conventions without an RFC. `durationMs` where it is told. Undefined for anything else.
 */
export function pressOfInfo(contentType: string | undefined, body: string): { digit: string; durationMs?: number } | undefined {
  const type = contentType?.split(';')[0].trim().toLowerCase();
  const relay = type === 'application/dtmf-relay';
  const signal = relay ? field(body, 'Signal') : type === 'application/dtmf' ? (field(body, 'Signal') ?? body.trim()) : undefined;
  const key = signal === '10' ? '*' : signal === '11' ? '#' : signal;
  if (key === undefined || !DIGIT.test(key)) return undefined;
  const duration = Number(field(body, 'Duration') ?? NaN);
  return { digit: key.toUpperCase(), ...(Number.isInteger(duration) && duration > 0 && duration <= 60_000 ? { durationMs: duration } : {}) };
}

const field = (body: string, name: string): string | undefined => new RegExp(`^\\s*${name}\\s*=\\s*(\\S+)`, 'im').exec(body)?.[1];

/** A digit was not taken; 481 and 408 mean that nobody knows the call any more (RFC 3261 §12.2.1.2). */
export class InfoRefusedError extends Error {
  constructor(readonly sipStatus: number) { super(`the far end refused a digit by INFO: ${sipStatus}`); }
}

/**
 * Sends digits as INFO, each after the answer to the one before. Rejects with InfoRefusedError when one is refused. A far end that does not take
 * application/dtmf-relay (415) gets application/dtmf.
 */
export async function sendInfoDtmf(session: Session, digits: string): Promise<void> {
  let type: 'relay' | 'bare' = 'relay';
  for (const digit of digits) {
    let status = await sendOne(session, digit, type);
    if (status === 415 && type === 'relay') status = await sendOne(session, digit, type = 'bare');
    if (status >= 300) throw new InfoRefusedError(status);
  }
}

function sendOne(session: Session, digit: string, type: 'relay' | 'bare'): Promise<number> {
  const body = type === 'relay'
    ? { contentType: 'application/dtmf-relay', content: `Signal=${digit}\r\nDuration=${DIGIT_DURATION_MS}\r\n` }
    : { contentType: 'application/dtmf', content: digit };
  return new Promise((resolve, reject) => {
    const answered = ({ message }: { message: { statusCode?: number } }): void => resolve(message.statusCode ?? 500);
    try {
      session.info({ onAccept: answered, onRedirect: answered, onReject: answered }, { body: { contentDisposition: 'render', ...body } });
    } catch (error) {
      reject(error as Error);
    }
  });
}
