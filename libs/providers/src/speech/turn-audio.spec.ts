import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { padded, segments, voicedSpan } from './turn-audio.js';

describe('turn audio', () => {
  it('spans from the first voiced frame to the last', () => {
    expect(voicedSpan([false, true, false, true, false], 160, 2)).toEqual({ from: 160, to: 640 });
    expect(voicedSpan([false, true, false], 160, 2)).toBeNull();
    expect(voicedSpan([], 160, 1)).toBeNull();
  });

  it('pads with what was there, else with silence', () => {
    const pcm = Int16Array.from({ length: 40 }, (_, i) => (i + 1) * 100);
    const out = padded(pcm, { from: 8, to: 32 }, 1000, 10, 20);
    expect(out).toHaveLength(10 + 24 + 20);
    expect([...out].map((sample) => Math.round(sample * 327.68))).toEqual([0, 0, ...Array.from({ length: 40 }, (_, i) => i + 1), ...Array.from({ length: 12 }, () => 0)]);
  });

  it('cuts long speech at its quietest moment', () => {
    const rateHz = 1000;
    const pcm = new Int16Array(40 * rateHz).fill(1000);
    pcm.fill(0, 20 * rateHz, 20 * rateHz + 100);
    const [first, second] = segments(pcm, { from: 0, to: pcm.length }, rateHz);
    expect(first.to).toBeGreaterThan(20 * rateHz);
    expect(first.to).toBeLessThan(20 * rateHz + 100);
    expect(second).toEqual({ from: first.to, to: pcm.length });
  });

  it('covers a span exactly, in parts that the model takes', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 90_000 }), fc.integer({ min: 1, max: 90_000 }), (from, length) => {
      const span = { from, to: from + length };
      const parts = segments(new Int16Array(span.to), span, 1000);
      expect(parts[0].from).toBe(span.from);
      expect(parts.at(-1)?.to).toBe(span.to);
      parts.forEach((part, i) => {
        expect(part.to - part.from).toBeLessThanOrEqual(24_000);
        expect(part.to).toBeGreaterThan(part.from);
        if (i > 0) expect(part.from).toBe(parts[i - 1].to);
      });
    }), { numRuns: 30 });
  });
});
