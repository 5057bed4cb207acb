import { describe, expect, it } from '@jest/globals';
import { trimSilence } from './trim-silence.js';

describe('trimming silence', () => {
  const clip = Int16Array.from([...Array.from({ length: 100 }, () => 20), 5000, 0, 0, -5000, ...Array.from({ length: 100 }, () => -20)]);
  it('leaves some of it at either end, and all within', () => {
    const trimmed = trimSilence(clip, 1000, 10, 30);
    expect(trimmed).toHaveLength(10 + 4 + 30);
    expect([...trimmed.subarray(10, 14)]).toEqual([5000, 0, 0, -5000]);
  });
  it('adds none that was not there', () => {
    expect(trimSilence(clip, 1000, 500, 500)).toHaveLength(clip.length);
    expect(trimSilence(new Int16Array(50), 1000, 10, 10)).toHaveLength(0);
    expect(trimSilence(new Int16Array(0), 1000, 10, 10)).toHaveLength(0);
  });
});
