import type { CallOutcome } from '@dialfleet/call';

/** What stands in the database for the call that an outcome is about. */
export interface Standing {
  /** Of the call's row. */
  state: string;
  /** The result there is; `outcome` is null when the settler wrote it. */
  stored: { outcome: CallOutcome | null; amended: boolean } | null;
}

export type Precedence = 'store' | 'amend' | 'ignore';

/**
 * Exactly one result for each accepted call, whatever arrives, however often and in whatever order.
 *
 * - The first outcome is stored; the same one again is ignored.
 * - A real outcome amends what the settler wrote, once.
 * - A claim withdrawn from one worker and taken by another ends twice: the call that took place amends the cancelled one.
 * - A dialout that was refused with 503 owes no result, unless the customer was reached all the same.
 */
export function precedence({ state, stored }: Standing, outcome: CallOutcome, settled: boolean): Precedence {
  if (stored === null) return storesFirst(state, outcome, settled) ? 'store' : 'ignore';
  if (settled || stored.amended) return 'ignore';
  if (stored.outcome === null) return 'amend';
  const other = stored.outcome.workerEpoch !== outcome.workerEpoch;
  return other && isCancelled(stored.outcome) && !isCancelled(outcome) ? 'amend' : 'ignore';
}

const storesFirst = (state: string, outcome: CallOutcome, settled: boolean): boolean =>
  settled ? state !== 'ended' && state !== 'refused' : state !== 'refused' || outcome.answeredAt !== null;

const isCancelled = (outcome: CallOutcome): boolean => outcome.hangupReason === 'cancelled';
