import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { estimateMos, mosOfRating } from './mos.js';

const clear = { codec: 'PCMU', lossShare: 0, oneWayDelayMs: 0 };

describe('estimateMos', () => {
  it('follows G.107 Annex B from rating to score', () => {
    // Pairs of Table B.1.
    for (const [rating, mos] of [[90, 4.34], [80, 4.03], [70, 3.6], [60, 3.1], [50, 2.58]]) expect(mosOfRating(rating)).toBeCloseTo(mos, 1);
    expect([mosOfRating(-5), mosOfRating(0), mosOfRating(3), mosOfRating(100), mosOfRating(120)]).toEqual([1, 1, 1, 4.5, 4.5]);
  });

  it('gives an undisturbed G.711 call the 4.41 of the textbook', () => {
    expect(estimateMos(clear)).toBeCloseTo(4.41, 2);
  });

  it('takes off for delay beyond 177 ms, loss and codec', () => {
    expect(estimateMos({ ...clear, oneWayDelayMs: 150 })).toBeGreaterThan(4.3);
    expect(estimateMos({ ...clear, oneWayDelayMs: 400 })).toBeLessThan(3.6);
    expect(estimateMos({ ...clear, lossShare: 0.02 })).toBeCloseTo(4.23, 1);
    expect(estimateMos({ ...clear, lossShare: 0.2 })).toBeLessThan(2.7);
    expect(estimateMos({ ...clear, codec: 'opus' })).toBeLessThan(estimateMos(clear));
    expect(estimateMos({ ...clear, codec: 'something' })).toBeLessThan(4.2);
  });

  it('stays between 1 and 4.5, never better for more loss or delay', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const delay = fc.double({ min: 0, max: 5000, noNaN: true });
    fc.assert(fc.property(share, share, delay, delay, (lossA, lossB, delayA, delayB) => {
      const better = estimateMos({ ...clear, lossShare: Math.min(lossA, lossB), oneWayDelayMs: Math.min(delayA, delayB) });
      const worse = estimateMos({ ...clear, lossShare: Math.max(lossA, lossB), oneWayDelayMs: Math.max(delayA, delayB) });
      expect(better).toBeLessThanOrEqual(4.5);
      expect(worse).toBeGreaterThanOrEqual(1);
      expect(better).toBeGreaterThanOrEqual(worse - 1e-9);
    }));
  });
});
