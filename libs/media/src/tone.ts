import { SAMPLE_RATE_HZ } from './frame.js';

/** A sine of `amplitude` (peak, 0..32767), starting at phase zero. */
export function sineWave(tone: { frequencyHz: number; durationMs: number; amplitude?: number; sampleRateHz?: number }): Int16Array {
  const { frequencyHz, durationMs, amplitude = 8000, sampleRateHz = SAMPLE_RATE_HZ } = tone;
  const step = (2 * Math.PI * frequencyHz) / sampleRateHz;
  return Int16Array.from({ length: Math.round((durationMs * sampleRateHz) / 1000) }, (_, i) => Math.round(amplitude * Math.sin(step * i)));
}

/**
 * Peak amplitude of one frequency in `pcm`, by the Goertzel algorithm: a pure tone gives back its own amplitude.
 * Bins are `sampleRateHz / pcm.length` wide.
 */
export function toneAmplitude(pcm: Int16Array, frequencyHz: number, sampleRateHz: number = SAMPLE_RATE_HZ): number {
  if (pcm.length === 0) return 0;
  const omega = (2 * Math.PI * frequencyHz) / sampleRateHz;
  const coefficient = 2 * Math.cos(omega);
  let previous = 0;
  let beforePrevious = 0;
  for (const sample of pcm) {
    const current = sample + coefficient * previous - beforePrevious;
    beforePrevious = previous;
    previous = current;
  }
  const power = previous * previous + beforePrevious * beforePrevious - coefficient * previous * beforePrevious;
  return (2 * Math.sqrt(Math.max(0, power))) / pcm.length;
}

/** Root mean square of the samples: 0 for silence. */
export function rmsLevel(pcm: Int16Array): number {
  if (pcm.length === 0) return 0;
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  return Math.sqrt(sum / pcm.length);
}

/** How much of the signal's energy one frequency holds, 0..1; a pure tone is close to 1. Speech stays well under 0.5. */
export function tonePurity(pcm: Int16Array, frequencyHz: number, sampleRateHz?: number): number {
  const level = rmsLevel(pcm);
  return level === 0 ? 0 : Math.min(1, (toneAmplitude(pcm, frequencyHz, sampleRateHz) / (Math.SQRT2 * level)) ** 2);
}
