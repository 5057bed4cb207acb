import type { CallEvent } from './call-machine.js';

export const disconnectedByValues = ['bot', 'customer', 'voicemail', 'RNR', 'timeout', 'error'] as const;
/** Who or what ended the call, as CRMs read it. `RNR`: rang, no response. */
export type DisconnectedBy = (typeof disconnectedByValues)[number];

/** The fine-grained reason beside `disconnected_by`. */
export type HangupReason =
  | 'bot_hung_up' | 'customer_hung_up' | 'voicemail_detected' | 'no_answer' | 'busy' | 'rejected' | 'unavailable' | 'cancelled'
  | 'max_duration' | 'silence' | 'transferred' | 'invalid_number' | 'trunk_failed' | 'media_timeout' | 'provider_failed'
  | 'worker_failed' | 'worker_lost' | 'hangup_requested' | 'draining' | 'not_dialled'
  /** Inbound: the announcement was said; no worker took the call over. */
  | 'outside_hours' | 'not_taken';

export interface EndCause { disconnectedBy: DisconnectedBy; hangupReason: HangupReason; sipStatus: number | null }

/** Statuses that mean "the phone rang or was reached, and nobody took the call" (RFC 3261 §21). */
const rnrReasons: Readonly<Record<number, HangupReason>> = {
  408: 'no_answer', 480: 'unavailable', 486: 'busy', 487: 'no_answer', 600: 'busy', 603: 'rejected',
};
/** Statuses that say the number itself is wrong. */
const invalidNumber = new Set([404, 410, 414, 416, 484, 485, 604]);

type Direction = 'outbound' | 'inbound';
type Cause<Type extends CallEvent['type']> = (event: Extract<CallEvent, { type: Type }>, wasAnswered: boolean, direction: Direction) => EndCause;

const causes: { [Type in CallEvent['type']]: Cause<Type> } = {
  botHangUp: (event) => cause('bot', event.reason ?? 'bot_hung_up'),
  transferred: () => cause('bot', 'transferred'),
  cancelled: (_event, wasAnswered, direction) => {
    if (wasAnswered) return cause('bot', 'hangup_requested');
    return direction === 'inbound' ? cause('bot', 'hangup_requested', 480) : cause('RNR', 'cancelled', 487);
  },
  // Before the answer: the caller gave up, and got 487 (RFC 3261 §9.2).
  remoteHangUp: (_event, wasAnswered) => cause('customer', 'customer_hung_up', wasAnswered ? null : 487),
  machineDetected: () => cause('voicemail', 'voicemail_detected'),
  ringTimeout: () => cause('RNR', 'no_answer', 487),
  maxDuration: () => cause('timeout', 'max_duration'),
  silence: () => cause('timeout', 'silence'),
  // Inbound it was we who refused the caller.
  finalFailure: (event, _wasAnswered, direction) => (direction === 'inbound' ? cause('error', 'trunk_failed', event.sipStatus) : sipFailure(event.sipStatus)),
  fault: (event) => cause('error', event.reason),
  // These end nothing; a call that ends on one of them met a mistake of ours.
  provisional: () => cause('error', 'worker_failed'),
  answered: () => cause('error', 'worker_failed'),
  humanDetected: () => cause('error', 'worker_failed'),
  bridged: () => cause('error', 'worker_failed'),
  released: () => cause('error', 'worker_failed'),
};

/** Total: every end of a call has a cause, and the first cause wins (the caller keeps the first). */
export const endCause = (event: CallEvent, wasAnswered: boolean, direction: Direction = 'outbound'): EndCause =>
  (causes[event.type] as Cause<CallEvent['type']>)(event, wasAnswered, direction);

function sipFailure(sipStatus: number): EndCause {
  const rnr = rnrReasons[sipStatus];
  if (rnr) return cause('RNR', rnr, sipStatus);
  return cause('error', invalidNumber.has(sipStatus) ? 'invalid_number' : 'trunk_failed', sipStatus);
}

const cause = (disconnectedBy: DisconnectedBy, hangupReason: HangupReason, sipStatus: number | null = null): EndCause =>
  ({ disconnectedBy, hangupReason, sipStatus });
