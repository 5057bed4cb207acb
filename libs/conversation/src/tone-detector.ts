import { tonePurity } from '@dialfleet/media';

/** A steady tone, as answering machines beep. */
export interface Tone { hz: number; durationMs: number }

export interface ToneState {
  /** The last 80 samples of the frame before: the analysis window is 30 ms, longer than a frame. */
  tail: Int16Array;
  run: { hz: number; frames: number } | null;
}

export const noTone: ToneState = { tail: new Int16Array(0), run: null };

const SAMPLE_RATE_HZ = 8000;
const TAIL_SAMPLES = 80;
const MIN_HZ = 350;
const MAX_HZ = 2500;
/** Below this level (of 32768) a frame is silence. */
const MIN_RMS = 200;
/** Share of a frame's energy in one frequency: speech stays below, two-tone signals (DTMF, ringback) at about half. */
const MIN_PURITY = 0.8;
/** The estimate is good to about half a bin of the 30 ms window: the tone is looked for on either side. */
const NEARBY_HZ = [0, -8, 8, -16, 16];
const MAX_DRIFT_HZ = 30;
const MIN_TONE_MS = 150;

/** One 20 ms frame at 8 kHz. `sounding`: a beep long enough is on now; `ended`: one has just ended. */
export function detectTone(state: ToneState, frame: Int16Array): { state: ToneState; sounding: Tone | null; ended: Tone | null } {
  const window = new Int16Array(state.tail.length + frame.length);
  window.set(state.tail);
  window.set(frame, state.tail.length);
  const frameMs = (frame.length * 1000) / SAMPLE_RATE_HZ;
  const hz = pureToneHz(window);
  const same = hz !== null && state.run !== null && Math.abs(hz - state.run.hz) <= MAX_DRIFT_HZ;
  const run = hz === null ? null : same && state.run ? { hz: state.run.hz + (hz - state.run.hz) / (state.run.frames + 1), frames: state.run.frames + 1 } : { hz, frames: 1 };
  return {
    state: { tail: frame.slice(-TAIL_SAMPLES), run },
    sounding: toneOf(run, frameMs),
    ended: same ? null : toneOf(state.run, frameMs),
  };
}

const toneOf = (run: ToneState['run'], frameMs: number): Tone | null =>
  run && run.frames * frameMs >= MIN_TONE_MS ? { hz: Math.round(run.hz), durationMs: run.frames * frameMs } : null;

/**
 * Frequency of a window that is one sinusoid, else null. The autocorrelation of a sinusoid is a cosine of the lag, which
 * white noise does not touch past lag 0: lags 1 and 2 give the frequency (Pisarenko), then its purity there is checked.
 */
export function pureToneHz(window: Int16Array): number | null {
  let energy = 0, lag1 = 0, lag2 = 0;
  for (let n = 0; n < window.length; n++) energy += window[n] * window[n];
  if (energy < MIN_RMS * MIN_RMS * window.length) return null;
  for (let n = 1; n < window.length; n++) lag1 += window[n] * window[n - 1];
  for (let n = 2; n < window.length; n++) lag2 += window[n] * window[n - 2];
  lag1 /= window.length - 1;
  lag2 /= window.length - 2;
  const cosine = (lag2 + Math.sqrt(lag2 * lag2 + 8 * lag1 * lag1)) / (4 * lag1);
  if (!(Math.abs(cosine) < 1)) return null;
  const hz = (Math.acos(cosine) * SAMPLE_RATE_HZ) / (2 * Math.PI);
  if (hz < MIN_HZ || hz > MAX_HZ) return null;
  return NEARBY_HZ.some((offset) => tonePurity(window, hz + offset) >= MIN_PURITY) ? hz : null;
}
