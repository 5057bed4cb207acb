import { jitterMs } from '@dialfleet/kit';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Delay before each attempt, the first at once; when all have failed the delivery is dead. */
export const attemptDelaysMs: readonly number[] =
  [0, 5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 24 * HOUR, 24 * HOUR];
export const JITTER_FRACTION = 0.2;
export const MAX_RETRY_AFTER_MS = 24 * HOUR;

/**
 * How long to wait after the attempt numbered `attempt` (from 1) failed; undefined when it was the last. A receiver's
 * Retry-After can only make the wait longer, up to 24 h.
 */
export function retryDelayMs(attempt: number, retryAfterMs: number | undefined, random: () => number = Math.random): number | undefined {
  const scheduledMs = attemptDelaysMs.at(attempt);
  if (attempt < 1 || scheduledMs === undefined) return undefined;
  return Math.max(jitterMs(scheduledMs, JITTER_FRACTION, random), Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS));
}

/** Retry-After (RFC 9110 §10.2.3): seconds or an HTTP date. Undefined when absent or unreadable; never below 0. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * SECOND;
  if (!/^[A-Z][a-z]{2}/.test(text)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
