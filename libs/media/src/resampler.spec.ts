import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { resample, Resampler } from './resampler.js';
import { rmsLevel, sineWave, toneAmplitude } from './tone.js';

const middle = (pcm: Int16Array): Int16Array => pcm.subarray(Math.floor(pcm.length / 4), Math.floor((3 * pcm.length) / 4));
const tone = (frequencyHz: number, sampleRateHz: number): Int16Array => sineWave({ frequencyHz, durationMs: 500, amplitude: 10_000, sampleRateHz });
const decibels = (ratio: number): number => 20 * Math.log10(ratio);

describe('Resampler', () => {
  it.each([[16_000, 8000], [8000, 16_000], [24_000, 8000], [8000, 24_000], [48_000, 8000], [22_050, 8000], [8000, 8000]])('keeps speech frequencies from %i to %i Hz', (from, to) => {
    for (const frequencyHz of [200, 1000, 3300]) {
      const out = resample(tone(frequencyHz, from), from, to);
      expect(out).toHaveLength(to / 2);
      expect(Math.abs(decibels(toneAmplitude(middle(out), frequencyHz, to) / 10_000))).toBeLessThan(0.2);
    }
  });

  it.each([4200, 4700, 5000, 6000, 7800])('lets nothing of a %i Hz tone through to 8 kHz', (frequencyHz) => {
    expect(decibels(rmsLevel(middle(resample(tone(frequencyHz, 16_000), 16_000, 8000))) / 7071)).toBeLessThan(-65);
  });

  it('adds no image above 4 kHz when it goes up', () => {
    const out = middle(resample(tone(1000, 8000), 8000, 16_000));
    expect(decibels(toneAmplitude(out, 7000, 16_000) / 10_000)).toBeLessThan(-65);
  });

  it('stays in time with its input', () => {
    const input = new Int16Array(1600);
    input[800] = 20_000;
    const out = resample(input, 16_000, 8000);
    expect(out.indexOf(Math.max(...out))).toBe(400);
  });

  it('keeps a constant constant and never wraps round at full scale', () => {
    const out = middle(resample(new Int16Array(3200).fill(32_767), 16_000, 8000));
    expect(Math.min(...out)).toBeGreaterThan(32_700);
    const square = Int16Array.from({ length: 3200 }, (_, i) => (i % 32 < 16 ? 32_767 : -32_768));
    const plateau = resample(square, 8000, 16_000).filter((_, i) => i % 64 >= 4 && i % 64 < 28);
    expect(Math.min(...plateau)).toBeGreaterThan(0);
  });

  it('gives the same samples however the stream is cut', () => {
    const input = Int16Array.from({ length: 4000 }, (_, i) => 9000 * Math.sin(i / 5) + 3000 * Math.sin(i / 31));
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 20 }), fc.constantFrom([16_000, 8000], [8000, 16_000], [24_000, 16_000], [8000, 8000]), (lengths, [from, to]) => {
      const resampler = new Resampler(from, to);
      const parts: number[] = [];
      let at = 0;
      for (const length of [...lengths, input.length]) {
        parts.push(...resampler.push(input.subarray(at, at + length)));
        at = Math.min(input.length, at + length);
      }
      parts.push(...resampler.flush());
      expect(parts).toEqual([...resample(input, from, to)]);
    }), { numRuns: 40 });
  });

  it('starts afresh after a flush, and gives nothing for nothing', () => {
    const resampler = new Resampler(16_000, 8000);
    const input = tone(500, 16_000);
    const once = [...resampler.push(input), ...resampler.flush()];
    expect([...resampler.push(input), ...resampler.flush()]).toEqual(once);
    expect(resample(new Int16Array(0), 16_000, 8000)).toHaveLength(0);
  });

  it.each([[0, 8000], [8000, -1], [8000.5, 8000], [7919, 8009]])('refuses %d to %d Hz', (from, to) => {
    expect(() => new Resampler(from, to)).toThrow(RangeError);
  });
});
