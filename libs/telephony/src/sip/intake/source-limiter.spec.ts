import { VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { SourceLimiter } from './source-limiter.js';

const rate = { perSecond: 10, burst: 5 };

describe('the allowance of a source', () => {
  it('is a burst, then a steady rate, each for itself', () => {
    const clock = new VirtualClock();
    const limiter = new SourceLimiter(clock, 100);
    const taken = (source: string, times: number): number => Array.from({ length: times }, () => limiter.take(source, rate)).filter(Boolean).length;
    expect(taken('a', 20)).toBe(5);
    expect(taken('b', 3)).toBe(3);
    clock.advance(250);
    expect(taken('a', 20)).toBe(2);
    clock.advance(60_000);
    expect(taken('a', 20)).toBe(5);
  });

  it('needs bounded memory: who was quiet for longest is forgotten first', () => {
    const limiter = new SourceLimiter(new VirtualClock(), 3);
    for (let i = 0; i < 5; i++) limiter.take('busy', rate);
    for (let i = 0; i < 1000; i++) { limiter.take(`forged ${i}`, rate); expect(limiter.take('busy', rate)).toBe(false); }
    expect(limiter.size).toBe(3);
  });
});
