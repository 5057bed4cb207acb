/** Less voice than this is a click, not speech. */
export const MIN_VOICED_MS = 100;
/** Clicks further apart than this do not add up to speech. */
const FORGET_AFTER_MS = 500;

/** One side's voice since some moment: when it began, when it was last heard, how much of it there was. */
export interface VoiceRun { firstAtMs: number; lastAtMs: number; voicedMs: number }

/** `run` with one more frame of voice that ended at `nowMs`. */
export function withVoice(run: VoiceRun | null, nowMs: number, frameMs: number): VoiceRun {
  const goesOn = run !== null && (run.voicedMs >= MIN_VOICED_MS || nowMs - run.lastAtMs <= FORGET_AFTER_MS);
  return goesOn
    ? { firstAtMs: run.firstAtMs, lastAtMs: nowMs, voicedMs: run.voicedMs + frameMs }
    : { firstAtMs: nowMs - frameMs, lastAtMs: nowMs, voicedMs: frameMs };
}

export const isSpeech = (run: VoiceRun | null): run is VoiceRun => run !== null && run.voicedMs >= MIN_VOICED_MS;
