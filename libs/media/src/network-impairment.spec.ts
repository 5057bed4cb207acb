import { describe, expect, it } from '@jest/globals';
import { NetworkImpairment } from './network-impairment.js';

const fates = (options: ConstructorParameters<typeof NetworkImpairment>[0], count = 10_000): number[][] => {
  const impairment = new NetworkImpairment(options);
  return Array.from({ length: count }, () => impairment.fate());
};

describe('NetworkImpairment', () => {
  it('keeps to its ratios', () => {
    const all = fates({ seed: 7, lossRatio: 0.05, reorderRatio: 0.2, reorderMs: 60, duplicateRatio: 0.1, jitterMs: 10 });
    const arrived = all.filter((fate) => fate.length > 0);
    expect(1 - arrived.length / all.length).toBeCloseTo(0.05, 1);
    expect(arrived.filter(([first]) => first >= 60).length / arrived.length).toBeCloseTo(0.2, 1);
    expect(arrived.filter((fate) => fate.length === 2).length / arrived.length).toBeCloseTo(0.1, 1);
    expect(Math.max(...arrived.flat())).toBeLessThan(130);
  });

  it('repeats itself for the same seed, and only then', () => {
    expect(fates({ seed: 1, lossRatio: 0.5, jitterMs: 5 }, 100)).toEqual(fates({ seed: 1, lossRatio: 0.5, jitterMs: 5 }, 100));
    expect(fates({ seed: 1, lossRatio: 0.5 }, 100)).not.toEqual(fates({ seed: 2, lossRatio: 0.5 }, 100));
  });

  it('does nothing unless told to', () => {
    expect(fates({ seed: 3 }, 100)).toEqual(Array.from({ length: 100 }, () => [0]));
  });
});
