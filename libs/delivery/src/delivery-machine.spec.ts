import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deliveryStates, deliveryTransitions, HELD_FOR_MS, judgeAttempt, nextDeliveryState, statesBefore, type DeliveryEvent, type DeliveryState } from './delivery-machine.js';
import { attemptDelaysMs, MAX_RETRY_AFTER_MS, parseRetryAfter, retryDelayMs } from './retry-schedule.js';

const events = [...new Set(Object.values(deliveryTransitions).flatMap((row) => Object.keys(row)))] as DeliveryEvent[];
const NOW = Date.UTC(2026, 0, 5, 10);
const middle = (): number => 0.5;

describe('delivery machine', () => {
  it('reaches every state from pending, and every state can become delivered again', () => {
    const reachable = (from: DeliveryState): Set<DeliveryState> => {
      const seen = new Set([from]);
      for (const state of seen) for (const event of events) { const next = nextDeliveryState(state, event); if (next) seen.add(next); }
      return seen;
    };
    expect([...reachable('pending')].sort()).toEqual([...deliveryStates].sort());
    for (const state of deliveryStates) expect(reachable(state)).toContain('delivered');
  });
  it('claims only what is due, and never what is delivered, held or dead', () => {
    expect(statesBefore('claimed')).toEqual(['pending', 'sending', 'retry_wait']);
    expect(statesBefore('succeeded')).toEqual(['sending']);
  });
  it('never leaves a finished state by anything but a replay', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom(...events)), (walk) => {
      let state: DeliveryState = 'pending';
      for (const event of walk) {
        const next: DeliveryState = nextDeliveryState(state, event) ?? state;
        if (state === 'delivered' && event !== 'replayed') expect(next).toBe('delivered');
        state = next;
      }
    }));
  });
});

describe('judging an attempt', () => {
  it.each([200, 201, 204, 299])('%i is delivered', (status) => {
    expect(judgeAttempt({ answered: true, status }, 1, NOW)).toEqual({ state: 'delivered', nextAttemptAtMs: null, heldUntilMs: null, disableEndpoint: false, error: null });
  });
  it.each([100, 301, 302, 400, 401, 404, 429, 500, 503])('%i is tried again after 5 s', (status) => {
    expect(judgeAttempt({ answered: true, status }, 1, NOW, middle)).toMatchObject({ state: 'retry_wait', nextAttemptAtMs: NOW + 5000, disableEndpoint: false });
  });
  it('says that redirects are not followed', () => {
    expect(judgeAttempt({ answered: true, status: 302 }, 1, NOW).error).toMatch(/302.*redirects/);
  });
  it('410 holds the delivery and disables the endpoint', () => {
    expect(judgeAttempt({ answered: true, status: 410 }, 1, NOW)).toMatchObject({ state: 'held', heldUntilMs: NOW + HELD_FOR_MS, disableEndpoint: true });
  });
  it('an error without an answer is tried again', () => {
    expect(judgeAttempt({ answered: false, error: 'connection refused' }, 2, NOW, middle)).toMatchObject({ state: 'retry_wait', nextAttemptAtMs: NOW + 60_000, error: 'connection refused' });
  });
  it('gives up after the tenth attempt', () => {
    expect(judgeAttempt({ answered: true, status: 500 }, 9, NOW, middle).nextAttemptAtMs).toBe(NOW + 24 * 3_600_000);
    expect(judgeAttempt({ answered: true, status: 500 }, 10, NOW)).toMatchObject({ state: 'dead', nextAttemptAtMs: null, error: 'answered 500' });
  });
  it('honours Retry-After of 429 and 503 only, up to a day', () => {
    expect(judgeAttempt({ answered: true, status: 429, retryAfter: '120' }, 1, NOW, middle).nextAttemptAtMs).toBe(NOW + 120_000);
    expect(judgeAttempt({ answered: true, status: 503, retryAfter: 'Mon, 05 Jan 2026 10:10:00 GMT' }, 1, NOW, middle).nextAttemptAtMs).toBe(NOW + 600_000);
    expect(judgeAttempt({ answered: true, status: 429, retryAfter: '99999999' }, 1, NOW, middle).nextAttemptAtMs).toBe(NOW + MAX_RETRY_AFTER_MS);
    expect(judgeAttempt({ answered: true, status: 500, retryAfter: '120' }, 1, NOW, middle).nextAttemptAtMs).toBe(NOW + 5000);
  });
  it('has a verdict for every status, attempt and Retry-After', () => {
    fc.assert(fc.property(fc.integer({ min: 100, max: 999 }), fc.integer({ min: 1, max: 20 }), fc.option(fc.string(), { nil: undefined }), (status, attempt, retryAfter) => {
      const verdict = judgeAttempt({ answered: true, status, retryAfter }, attempt, NOW);
      expect(nextDeliveryState('sending', { delivered: 'succeeded', retry_wait: 'failed', dead: 'exhausted', held: 'endpointDisabled' }[verdict.state] as DeliveryEvent)).toBe(verdict.state);
      expect(verdict.nextAttemptAtMs === null).toBe(verdict.state !== 'retry_wait');
      if (verdict.nextAttemptAtMs !== null) {
        expect(verdict.nextAttemptAtMs).toBeGreaterThan(NOW);
        expect(verdict.nextAttemptAtMs).toBeLessThanOrEqual(NOW + MAX_RETRY_AFTER_MS * 1.2);
      }
    }));
  });
});

describe('retry schedule', () => {
  it('is the published one', () => {
    expect(attemptDelaysMs.map((ms) => ms / 1000)).toEqual([0, 5, 60, 300, 1800, 7200, 18_000, 36_000, 86_400, 86_400]);
  });
  it('spreads each delay by a fifth', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const delay = retryDelayMs(attempt, undefined, () => random) as number;
      expect(delay).toBeGreaterThanOrEqual(Math.floor(attemptDelaysMs[attempt] * 0.8));
      expect(delay).toBeLessThanOrEqual(Math.ceil(attemptDelaysMs[attempt] * 1.2));
    }));
  });
  it.each([[undefined, undefined], ['', undefined], ['soon', undefined], ['-5', undefined], ['1.5', undefined], [' 7 ', 7000], ['0', 0], ['Thu, 01 Jan 1970 00:00:00 GMT', 0]])(
    'reads Retry-After %j', (header, expected) => { expect(parseRetryAfter(header, NOW)).toBe(expected); });
});
