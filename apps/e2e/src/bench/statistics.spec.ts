import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { median, medianRun, percentile } from './statistics.js';

describe('percentile', () => {
  it('takes the nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1), percentile([7], 0.01)]).toEqual([50, 99, 100, 7]);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it('is one of the values, with at least that share not above it', () => {
    fc.assert(fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, p) => {
      const value = percentile(values, p);
      expect(values).toContain(value);
      expect(values.filter((other) => other <= value).length).toBeGreaterThanOrEqual(p * values.length);
    }));
  });
});

describe('median', () => {
  it('is the middle one, or between the two middle ones', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([5])]).toEqual([2, 2.5, 5]);
    expect(median([])).toBeNaN();
  });

  it('of runs is taken field by field', () => {
    expect(medianRun([{ rate: 10, p99: 9 }, { rate: 30, p99: 1 }, { rate: 20, p99: 5 }])).toEqual({ rate: 20, p99: 5 });
  });
});
