import type { CallEvent } from './call-machine.js';

export const disconnectedByValues = ['bot', 'customer', 'voicemail', 'RNR', 'timeout', 'error'] as const;
/** Who or what ended the call, as CRMs read it. `RNR`: rang, no response. */
export type DisconnectedBy = (typeof disconnectedByValues)[number];

/** The fine-grained reason beside `disconnected_by`. */
export type HangupReason =
  | 'bot_hung_up' | 'customer_hung_up' | 'voicemail_detected' | 'no_answer' | 'busy' | 'rejected' | 'unavailable' | 'cancelled'
  | 'max_duration' | 'silence' | 'transferred' | 'invalid_number' | 'trunk_failed' | 'media_timeout' | 'provider_failed'
  | 'worker_failed' | 'worker_lost' | 'hangup_requested' | 'draining' | 'not_dialled';

export interface EndCause { disconnectedBy: DisconnectedBy; hangupReason: HangupReason; sipStatus: number | null }

/** Statuses that mean "the phone rang or was reached, and nobody took the call" (RFC 3261 §21). */
const rnrReasons: Readonly<Record<number, HangupReason>> = {
  408: 'no_answer', 480: 'unavailable', 486: 'busy', 487: 'no_answer', 600: 'busy', 603: 'rejected',
};
/** Statuses that say the number itself is wrong. */
const invalidNumber = new Set([404, 410, 414, 416, 484, 485, 604]);

/** Total: every end of a call has a cause, and the first cause wins (the caller keeps the first). */
export function endCause(event: CallEvent, wasAnswered: boolean): EndCause {
  switch (event.type) {
    case 'botHangUp': return cause('bot', 'bot_hung_up');
    case 'transferred': return cause('bot', 'transferred');
    case 'cancelled': return wasAnswered ? cause('bot', 'hangup_requested') : cause('RNR', 'cancelled', 487);
    case 'remoteHangUp': return cause('customer', 'customer_hung_up');
    case 'machineDetected': return cause('voicemail', 'voicemail_detected');
    case 'ringTimeout': return cause('RNR', 'no_answer', 487);
    case 'maxDuration': return cause('timeout', 'max_duration');
    case 'silence': return cause('timeout', 'silence');
    case 'finalFailure': return sipFailure(event.sipStatus);
    case 'fault': return cause('error', event.reason);
    case 'provisional': case 'answered': case 'humanDetected': case 'released': return cause('error', 'worker_failed');
  }
}

function sipFailure(sipStatus: number): EndCause {
  const rnr = rnrReasons[sipStatus];
  if (rnr) return cause('RNR', rnr, sipStatus);
  return cause('error', invalidNumber.has(sipStatus) ? 'invalid_number' : 'trunk_failed', sipStatus);
}

const cause = (disconnectedBy: DisconnectedBy, hangupReason: HangupReason, sipStatus: number | null = null): EndCause =>
  ({ disconnectedBy, hangupReason, sipStatus });
