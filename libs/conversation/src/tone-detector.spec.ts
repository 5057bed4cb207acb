import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { detectTone, noTone, type Tone } from './tone-detector.js';

const FRAME = 160;
const sine = (hz: number, ms: number, amplitude = 6000): Int16Array =>
  Int16Array.from({ length: ms * 8 }, (_, n) => Math.round(amplitude * Math.sin((2 * Math.PI * hz * n) / 8000)));
const noise = (ms: number, amplitude: number, seed = 1): Int16Array => {
  let x = seed;
  return Int16Array.from({ length: ms * 8 }, () => { x = (x * 1103515245 + 12345) % 2147483648; return Math.round((x / 1073741824 - 1) * amplitude); });
};
const mix = (a: Int16Array, b: Int16Array): Int16Array => a.map((x, n) => x + (b[n] ?? 0));
const join = (...parts: Int16Array[]): Int16Array => Int16Array.from(parts.flatMap((part) => [...part]));

/** Beeps that ended, fed frame by frame. */
function tonesIn(pcm: Int16Array): Tone[] {
  const tones: Tone[] = [];
  let state = noTone;
  for (let at = 0; at + FRAME <= pcm.length; at += FRAME) {
    const step = detectTone(state, pcm.subarray(at, at + FRAME));
    state = step.state;
    if (step.ended) tones.push(step.ended);
  }
  return tones;
}

describe('detectTone', () => {
  it.each([400, 1000, 1400, 2400])('hears a beep of %d Hz in quiet and in noise', (hz) => {
    for (const background of [noise(1400, 30), noise(1400, 900, 7)]) {
      const tones = tonesIn(mix(background, join(new Int16Array(4000), sine(hz, 400), new Int16Array(4000))));
      expect(tones).toHaveLength(1);
      expect(Math.abs(tones[0].hz - hz)).toBeLessThanOrEqual(25);
      expect(tones[0].durationMs).toBeGreaterThanOrEqual(360);
      expect(tones[0].durationMs).toBeLessThanOrEqual(460);
    }
  });

  it('ignores what is too short, too quiet, or more than one frequency', () => {
    expect(tonesIn(join(sine(1000, 100), new Int16Array(1600)))).toEqual([]);
    expect(tonesIn(join(sine(1000, 400, 150), new Int16Array(1600)))).toEqual([]);
    expect(tonesIn(join(mix(sine(440, 1000), sine(480, 1000)), new Int16Array(1600)))).toEqual([]);
    expect(tonesIn(join(mix(sine(770, 400), sine(1336, 400)), new Int16Array(1600)))).toEqual([]);
    expect(tonesIn(noise(2000, 8000))).toEqual([]);
  });

  it('ignores a sweeping tone, as in a siren or a voice', () => {
    const sweep = Int16Array.from({ length: 16_000 }, (_, n) => Math.round(6000 * Math.sin(2 * Math.PI * (400 * (n / 8000) + 400 * (n / 8000) ** 2))));
    expect(tonesIn(sweep)).toEqual([]);
  });

  it('never throws, whatever the samples', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -32768, max: 32767 }), { maxLength: 500 }), (samples) => {
      const { state } = detectTone(noTone, Int16Array.from(samples));
      expect(state.tail.length).toBeLessThanOrEqual(80);
    }));
  });
});
