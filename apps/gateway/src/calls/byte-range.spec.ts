import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { byteRange } from './byte-range.js';

describe('byteRange', () => {
  it.each<[string | undefined, ReturnType<typeof byteRange>]>([
    [undefined, undefined], ['bytes=0-99', { start: 0, end: 99 }], ['bytes=100-', { start: 100, end: 999 }], ['bytes=-10', { start: 990, end: 999 }],
    ['bytes=-5000', { start: 0, end: 999 }], ['bytes=0-5000', { start: 0, end: 999 }], ['bytes=1000-', 'unsatisfiable'], ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', undefined], ['bytes=0-1,5-6', undefined], ['items=0-1', undefined], ['bytes=-', undefined], ['bytes=a-b', undefined],
  ])('%p of 1000 bytes', (header, expected) => { expect(byteRange(header, 1000)).toEqual(expected); });

  it('never leaves the file', () => {
    fc.assert(fc.property(fc.string(), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 1e9 }), (junk, a, b, size) => {
      for (const header of [junk, `bytes=${a}-${b}`, `bytes=${a}-`, `bytes=-${b}`]) {
        const range = byteRange(header, size);
        if (typeof range === 'object') expect(range.start >= 0 && range.start <= range.end && range.end < size).toBe(true);
      }
    }));
  });
});
