import { describe, expect, it } from '@jest/globals';
import { RestartPace } from './restart-pace.js';

describe('the pace of restarts', () => {
  it('slows down while a process keeps dying early, up to its cap', () => {
    const pace = new RestartPace(5000, () => 1);
    expect([0, 0, 0, 0, 0, 0].map((livedMs) => pace.nextDelayMs(livedMs))).toEqual([500, 900, 1700, 3300, 5100, 5100]);
  });

  it('forgets early deaths once a process has lived', () => {
    const pace = new RestartPace(5000, () => 1);
    for (let i = 0; i < 5; i++) pace.nextDelayMs(0);
    expect(pace.nextDelayMs(60_000)).toBe(300);
    expect(pace.nextDelayMs(0)).toBe(500);
  });
});
