import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SrtpIndex } from './srtp-index.js';

const take = (index: SrtpIndex, sequenceNumber: number): number => {
  const estimated = index.estimate(sequenceNumber);
  if (!index.isFresh(estimated)) return -1;
  index.accept(estimated);
  return estimated;
};

describe('SrtpIndex', () => {
  it('counts rollovers, also when the packets round the wrap are lost or late', () => {
    const index = new SrtpIndex();
    expect([65_530, 65_534, 3, 65_535, 1, 5].map((sequence) => take(index, sequence))).toEqual([65_530, 65_534, 65_539, 65_535, 65_537, 65_541]);
  });

  it('refuses repetitions and what is too old to tell', () => {
    const index = new SrtpIndex();
    expect([500, 500, 400, 400, 373, 372, 600, 500, 473].map((sequence) => take(index, sequence))).toEqual([500, -1, 400, -1, 373, -1, 600, -1, 473]);
  });

  it('knows nothing before its first rollover', () => {
    const index = new SrtpIndex();
    take(index, 5);
    expect(index.estimate(65_000)).toBeLessThan(0);
    expect(index.isFresh(index.estimate(65_000))).toBe(false);
  });

  it('does not move for a packet that turned out to be forged', () => {
    const index = new SrtpIndex();
    take(index, 100);
    index.estimate(40_000);
    expect(take(index, 101)).toBe(101);
  });

  it('finds the sender\'s index through any loss of up to half a cycle, and takes each once', () => {
    fc.assert(fc.property(fc.nat(0x7fff), fc.array(fc.integer({ min: -100, max: 30_000 }), { maxLength: 60 }), (first, steps) => {
      const index = new SrtpIndex();
      take(index, first);
      let highest = first;
      const used = new Set([first]);
      for (const step of steps) {
        const sent = highest + step;
        if (sent < 0) continue;
        expect(index.estimate(sent % 0x10000)).toBe(sent);
        expect(take(index, sent % 0x10000)).toBe(used.has(sent) ? -1 : sent);
        used.add(sent);
        highest = Math.max(highest, sent);
      }
    }));
  });
});
