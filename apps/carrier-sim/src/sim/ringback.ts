import type { Pcm } from '@dialfleet/conversation';
import { SAMPLES_PER_MS, sineWave } from '@dialfleet/media';

const ON_MS = 2000;
const PERIOD_MS = 6000;
const AMPLITUDE = 2500;

/** North American audible ringing (440 + 480 Hz, 2 s on, 4 s off), `durationMs` of it. */
export function ringback(durationMs: number): Pcm {
  const on = sineWave({ frequencyHz: 440, durationMs: ON_MS, amplitude: AMPLITUDE });
  const second = sineWave({ frequencyHz: 480, durationMs: ON_MS, amplitude: AMPLITUDE });
  for (let i = 0; i < on.length; i++) on[i] += second[i];
  const ringing = new Int16Array(Math.round(durationMs * SAMPLES_PER_MS));
  for (let at = 0; at < ringing.length; at += PERIOD_MS * SAMPLES_PER_MS) ringing.set(on.subarray(0, ringing.length - at), at);
  return ringing;
}
