/** Exponential back-off with full jitter: a random delay in [0, min(cap, base·2^attempt)]. Attempts count from 0. */
export function backoffMs(attempt: number, baseMs: number, capMs: number, random: () => number = Math.random): number {
  return Math.round(random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}

/** `valueMs` ± `fraction`, evenly spread. */
export const jitterMs = (valueMs: number, fraction: number, random: () => number = Math.random): number =>
  Math.round(valueMs * (1 + fraction * (2 * random() - 1)));
