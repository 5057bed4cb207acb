import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { afterRegister, lapsed, notRegistered, refreshInMs, retryInMs, type RegisterResult, type RegistrationStanding } from './registration-machine.js';

const half = (): number => 0.5;
const granted = (expiresSeconds: number): RegisterResult => ({ outcome: 'registered', sipStatus: 200, reason: 'OK', expiresSeconds, serviceRoute: [], server: 'udp:192.0.2.1:5060' });
const refused = (sipStatus: number, retryAfterMs?: number): RegisterResult => ({ outcome: 'refused', sipStatus, reason: 'No', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
const silence: RegisterResult = { outcome: 'unanswered', reason: 'no answer within 10 s' };
const run = (results: [number, RegisterResult][]): { standing: RegistrationStanding; waits: number[] } => {
  const waits: number[] = [];
  const standing = results.reduce((before, [nowMs, result]) => {
    const after = afterRegister(before, result, nowMs, half);
    waits.push(after.nextInMs);
    return after.standing;
  }, notRegistered(0));
  return { standing, waits };
};

describe('a registration', () => {
  it('is refreshed at 70 to 85 % of what was granted, not of what was asked for', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 86_400 }), fc.double({ min: 0, max: 1, noNaN: true }), (seconds, random) => {
      const wait = refreshInMs(seconds, () => random);
      expect(wait).toBeGreaterThanOrEqual(Math.min(1000, seconds * 1000));
      expect(wait).toBeLessThanOrEqual(Math.max(1000, seconds * 850 + 1));
    }));
  });

  it('keeps the moment it began through refreshes', () => {
    const { standing, waits } = run([[1000, granted(60)], [50_000, granted(120)]]);
    expect(standing).toMatchObject({ registered: true, sinceMs: 1000, expiresAtMs: 170_000, lastAnswer: { status: 200, atMs: 50_000 }, failures: 0 });
    expect(waits).toEqual([46_500, 93_000]);
  });

  it('outlives silence until its time is over, trying ever more slowly', () => {
    const { standing, waits } = run([[0, granted(100)], [80_000, silence], [82_000, silence], [86_000, refused(503)]]);
    expect(standing).toMatchObject({ registered: true, expiresAtMs: 100_000, failures: 3, lastAnswer: { status: 503 } });
    expect(waits.slice(1)).toEqual([1500, 3000, 6000]);
    expect(lapsed(standing, 99_999)).toBe(standing);
    expect(lapsed(standing, 100_000)).toMatchObject({ registered: false, sinceMs: 100_000, expiresAtMs: null });
  });

  it('is over with a definite no, and then waits long', () => {
    const { standing, waits } = run([[0, granted(3600)], [5000, refused(403)], [30_000, refused(403)]]);
    expect(standing).toMatchObject({ registered: false, sinceMs: 5000, expiresAtMs: null, lastAnswer: { status: 403, reason: 'No' }, failures: 2 });
    expect(waits.slice(1)).toEqual([22_500, 45_000]);
  });

  it('waits as long as it was asked to', () => { expect(run([[0, refused(503, 90_000)]]).waits).toEqual([90_000]); });

  it('never waits for less than a second or for more than a quarter of an hour of its own accord', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1000 }), fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, definite, random) => {
      const wait = retryInMs(failures, definite, () => random);
      expect(wait >= 1000 && wait <= 900_000).toBe(true);
    }));
  });
});
