import { parseRetryAfter, retryDelayMs } from './retry-schedule.js';

/**
 * The life of one delivery, as data.
 *
 * ```
 *            ┌────────────── replayed ◀── delivered, dead, held
 *            ▼
 *         pending ─ claimed ─▶ sending ─ succeeded ─▶ delivered
 *            ▲                  │  ▲  └─ exhausted ─▶ dead ◀─ expired ─┐
 *            │           failed ▼  │ claimed                           │
 *            │               retry_wait ── endpointDisabled ──────▶ held
 *            └───────────────────────────── endpointEnabled ──────────┘
 * ```
 */
export const deliveryStates = ['pending', 'sending', 'retry_wait', 'delivered', 'held', 'dead'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

export type DeliveryEvent =
  /** A sender leased it. From `sending`: the former sender's lease ran out. */
  | 'claimed'
  | 'succeeded' | 'failed' | 'exhausted'
  | 'endpointDisabled' | 'endpointEnabled'
  /** Held for too long. */
  | 'expired'
  | 'replayed';

export const deliveryTransitions = {
  pending:    { claimed: 'sending', endpointDisabled: 'held', replayed: 'pending' },
  sending:    { claimed: 'sending', succeeded: 'delivered', failed: 'retry_wait', exhausted: 'dead', endpointDisabled: 'held' },
  retry_wait: { claimed: 'sending', endpointDisabled: 'held', replayed: 'pending' },
  delivered:  { replayed: 'pending' },
  held:       { endpointEnabled: 'pending', expired: 'dead', replayed: 'pending' },
  dead:       { replayed: 'pending' },
} as const satisfies Record<DeliveryState, Partial<Record<DeliveryEvent, DeliveryState>>>;

/** The state after the event; undefined when the pair is not listed. */
export const nextDeliveryState = (state: DeliveryState, event: DeliveryEvent): DeliveryState | undefined =>
  (deliveryTransitions[state] as Partial<Record<DeliveryEvent, DeliveryState>>)[event];

/** States from which the event is legal: the guard of an update in the database. */
export const statesBefore = (event: DeliveryEvent): DeliveryState[] =>
  deliveryStates.filter((state) => nextDeliveryState(state, event) !== undefined);

/** A disabled endpoint's deliveries are kept this long. */
export const HELD_FOR_MS = 30 * 24 * 3_600_000;
export const ATTEMPT_TIMEOUT_MS = 15_000;

/** How one attempt went: an HTTP answer, or an error before there was one. */
export type AttemptOutcome =
  | { answered: true; status: number; retryAfter?: string }
  | { answered: false; error: string };

export interface AttemptVerdict {
  state: Extract<DeliveryState, 'delivered' | 'retry_wait' | 'held' | 'dead'>;
  /** Unix ms of the next attempt; null unless `retry_wait`. */
  nextAttemptAtMs: number | null;
  /** Unix ms until which it is held; null unless `held`. */
  heldUntilMs: number | null;
  /** 410 Gone: the receiver wants no more. */
  disableEndpoint: boolean;
  /** In plain words, for the delivery log; null on success. */
  error: string | null;
}

/** What follows the attempt numbered `attempt` (from 1). Total: every answer and every error has a verdict. */
export function judgeAttempt(outcome: AttemptOutcome, attempt: number, nowMs: number, random: () => number = Math.random): AttemptVerdict {
  const verdict: AttemptVerdict = { state: 'delivered', nextAttemptAtMs: null, heldUntilMs: null, disableEndpoint: false, error: null };
  if (outcome.answered && outcome.status >= 200 && outcome.status < 300) return verdict;
  const error = outcome.answered ? statusInWords(outcome.status) : outcome.error;
  if (outcome.answered && outcome.status === 410) {
    return { ...verdict, state: 'held', heldUntilMs: nowMs + HELD_FOR_MS, disableEndpoint: true, error };
  }
  const delayMs = retryDelayMs(attempt, retryAfterMs(outcome, nowMs), random);
  return delayMs === undefined
    ? { ...verdict, state: 'dead', error }
    : { ...verdict, state: 'retry_wait', nextAttemptAtMs: nowMs + delayMs, error };
}

const retryAfterMs = (outcome: AttemptOutcome, nowMs: number): number | undefined =>
  outcome.answered && (outcome.status === 429 || outcome.status === 503) ? parseRetryAfter(outcome.retryAfter, nowMs) : undefined;

function statusInWords(status: number): string {
  if (status >= 300 && status < 400) return `answered ${status}: redirects are not followed`;
  return status === 410 ? 'answered 410: the endpoint is gone and was disabled' : `answered ${status}`;
}
