/** A text with its log-probability, given the audio, as the whole of what was said. */
export interface ScoredText { text: string; logProb: number; tokens: number }

/**
 * How much likelier the model must find its own free reading than the best hint for the free reading to stand. An answer
 * that the bot has just asked for is likelier beforehand than any other sentence; this is that prior, in nats.
 */
const HINT_PRIOR_NATS = 4;
/** Below this mean log-probability a token the audio does not support the hint, however bad the free reading is. */
const MIN_TOKEN_LOG_PROB = -2.2;

const words = (text: string): string => text.toLowerCase().replace(/[’]/g, "'").replace(/[^\p{L}\p{N}']+/gu, ' ').trim();

/** Whether the free reading needs no help: it says one of the hints, or holds digits, which hints would only spoil. */
export function standsOnItsOwn(free: string, hints: readonly string[]): boolean {
  if (/\d/.test(free)) return true;
  const spoken = ` ${words(free)} `;
  return hints.some((hint) => spoken.includes(` ${words(hint)} `));
}

/** The hint that should replace the free reading, if any is convincing. `free` null: nothing was recognised. */
export function convincingHint(free: ScoredText | null, hints: readonly ScoredText[]): ScoredText | null {
  const [best] = [...hints].sort((a, b) => b.logProb - a.logProb);
  if (!best || best.logProb / best.tokens < MIN_TOKEN_LOG_PROB) return null;
  return free === null || best.logProb > free.logProb - HINT_PRIOR_NATS ? best : null;
}

export const tokenProbability = ({ logProb, tokens }: ScoredText): number => Math.exp(logProb / tokens);
