import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RtpClock } from './rtp-clock.js';

describe('RtpClock', () => {
  it('leaves the pipeline\'s own rate as it is', () => {
    const clock = new RtpClock(8000);
    expect([5, 0xffffffff, 0].map((timestamp) => clock.samplesAt(timestamp))).toEqual([5, 0xffffffff, 0]);
  });

  it('goes on evenly across the wrap of its timestamps, and of its own', () => {
    const clock = new RtpClock(48_000);
    let last = clock.samplesAt(0xffffff00);
    for (let n = 1; n < 20; n++) {
      const at = clock.samplesAt((0xffffff00 + n * 960) >>> 0);
      expect((at - last) >>> 0).toBe(160);
      last = at;
    }
  });

  it('the same timestamp is the same place, in whatever order packets come', () => {
    fc.assert(fc.property(fc.nat(0xffffffff), fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 50 }), (start, steps) => {
      const clock = new RtpClock(48_000);
      const first = clock.samplesAt(start);
      for (const step of steps) {
        const place = clock.samplesAt((start + step * 960) >>> 0);
        expect((place - first) | 0).toBe(step * 160);
      }
    }));
  });
});
