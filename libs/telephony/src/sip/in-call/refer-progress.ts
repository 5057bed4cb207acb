import type { TransferOutcome } from '@dialfleet/call';

/**
 * The life of a REFER that we sent (RFC 3515) and of the subscription that it makes.
 *
 * ```
 *  sent ─▶ accepted ─▶ progressing ─▶ over
 *    └────────┴─────────────────────────▲
 * ```
 */
export interface ReferState { phase: 'sent' | 'accepted' | 'progressing' | 'over'; lastStatus: number | null }

export type ReferInput =
  /** 2xx to REFER. */
  | { type: 'accepted' }
  | { type: 'refused'; sipStatus: number; reason: string }
  /** NOTIFY: the status line of its message/sipfrag, if it has one. `terminated`: it is the last. */
  | { type: 'notified'; sipStatus: number | undefined; terminated: boolean }
  /** BYE from the far end. */
  | { type: 'left' }
  | { type: 'timedOut' };

export interface ReferStep { state: ReferState; progress?: number; outcome?: TransferOutcome }

export const referSent: ReferState = { phase: 'sent', lastStatus: null };

/** A far end that ignores REFER must not keep the customer waiting for the transaction's 32 s. */
const ANSWER_LIMIT_MS = 8_000;
/** From 202 to the first NOTIFY, and from a NOTIFY that ends the subscription without a verdict to the BYE. */
const SILENCE_LIMIT_MS = 20_000;
/** The target rings. */
const RING_LIMIT_MS = 60_000;

/** How long to wait for the next input in this state. */
export function referLimitMs({ phase }: ReferState): number {
  return phase === 'sent' ? ANSWER_LIMIT_MS : phase === 'accepted' ? SILENCE_LIMIT_MS : RING_LIMIT_MS;
}

export function referStep(state: ReferState, input: ReferInput): ReferStep {
  if (state.phase === 'over') return { state };
  switch (input.type) {
    case 'accepted': return { state: state.phase === 'sent' ? { ...state, phase: 'accepted' } : state };
    case 'refused': return failed(state, input.sipStatus, input.reason);
    case 'notified': return notified(state, input.sipStatus, input.terminated);
    // A far end that has the transfer in hand and leaves has done it, whether or not it said so.
    case 'left': return state.phase === 'sent' ? failed(state, null, 'the far end hung up') : succeeded(state);
    case 'timedOut': return timedOut(state);
  }
}

/** NOTIFY may overtake the 202 (RFC 3515 §2.4.4). */
function notified(state: ReferState, sipStatus: number | undefined, terminated: boolean): ReferStep {
  if (sipStatus !== undefined && sipStatus >= 300) return failed(state, sipStatus, `the target answered ${sipStatus}`);
  if (sipStatus !== undefined && sipStatus >= 200) return { ...succeeded(state), progress: sipStatus };
  const lastStatus = sipStatus ?? state.lastStatus;
  const next: ReferState = { phase: terminated ? 'accepted' : 'progressing', lastStatus };
  return sipStatus === undefined ? { state: next } : { state: next, progress: sipStatus };
}

function timedOut(state: ReferState): ReferStep {
  if (state.phase === 'sent') return failed(state, null, 'REFER was not answered');
  if (state.phase === 'accepted') return failed(state, null, 'the far end accepted REFER and told nothing more');
  return failed(state, 408, 'the target did not answer');
}

const over = (state: ReferState): ReferState => ({ ...state, phase: 'over' });
const succeeded = (state: ReferState): ReferStep => ({ state: over(state), outcome: { ok: true } });
const failed = (state: ReferState, sipStatus: number | null, reason: string): ReferStep => ({ state: over(state), outcome: { ok: false, sipStatus, reason } });
