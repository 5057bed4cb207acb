import { VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { glareDelayMs } from './session-refresh.js';
import { answerRequest, policyAfterTooSmall, requestHeaders, sessionDeadlines, SessionTimer, sessionTimerPolicy, termsOfAnswer, type SessionTimerTerms } from './session-timer.js';

const message = (headers: Record<string, string>) => ({
  getHeader: (name: string): string | undefined => headers[name], getHeaders: (name: string): string[] => (headers[name] === undefined ? [] : [headers[name]]),
});

describe('what a request of ours says', () => {
  it('asks for half an hour unless the trunk wants something else', () => {
    expect(requestHeaders(sessionTimerPolicy())).toEqual(['Session-Expires: 1800', 'Min-SE: 90']);
    expect(requestHeaders(sessionTimerPolicy(10))).toEqual(['Session-Expires: 90', 'Min-SE: 90']);
    expect(requestHeaders(sessionTimerPolicy(0))).toEqual([]);
    expect(requestHeaders(sessionTimerPolicy(600), 'uac')).toEqual(['Session-Expires: 600;refresher=uac', 'Min-SE: 90']);
  });

  it('takes from the answer who refreshes, and nothing where the far end has no timer', () => {
    expect(termsOfAnswer(message({ 'session-expires': '1800;refresher=uas' }))).toEqual({ intervalSeconds: 1800, refresher: 'them' });
    expect(termsOfAnswer(message({ 'session-expires': '300 ; refresher = uac' }))).toEqual({ intervalSeconds: 300, refresher: 'us' });
    expect(termsOfAnswer(message({ x: '300' }))).toEqual({ intervalSeconds: 300, refresher: 'us' });
    expect(termsOfAnswer(message({}))).toBeUndefined();
    expect(termsOfAnswer(message({ 'session-expires': 'soon' }))).toBeUndefined();
  });

  it('raises its interval to the Min-SE of a 422, once each', () => {
    const raised = policyAfterTooSmall(sessionTimerPolicy(300), message({ 'min-se': '900' }));
    expect(raised).toEqual({ intervalSeconds: 900, minSeconds: 900, raised: 1 });
    expect(requestHeaders(raised ?? sessionTimerPolicy())).toEqual(['Session-Expires: 900', 'Min-SE: 900']);
    expect(policyAfterTooSmall(raised ?? sessionTimerPolicy(), message({ 'min-se': '900' }))).toBeUndefined();
    expect(policyAfterTooSmall(sessionTimerPolicy(300), message({}))).toBeUndefined();
    expect(policyAfterTooSmall(sessionTimerPolicy(300), message({ 'min-se': '4000000' }))).toBeUndefined();
  });
});

describe('what our 2xx says', () => {
  const ask = (headers: Record<string, string>, wanted = 1800, current?: SessionTimerTerms) => answerRequest(sessionTimerPolicy(wanted), message(headers), current);

  it('shortens a long interval to ours and never lengthens a short one', () => {
    expect(ask({ supported: 'timer', 'session-expires': '3600;refresher=uac' })).toEqual({ ok: true, terms: { intervalSeconds: 1800, refresher: 'them' }, headers: ['Session-Expires: 1800;refresher=uac', 'Require: timer'] });
    expect(ask({ supported: '100rel, timer', 'session-expires': '600;refresher=uas' })).toMatchObject({ terms: { intervalSeconds: 600, refresher: 'us' } });
  });

  it('refuses an interval under the minimum of a far end that can do better', () => {
    expect(ask({ k: 'timer', 'session-expires': '60' })).toEqual({ ok: false, headers: ['Min-SE: 90'] });
    expect(ask({ 'session-expires': '60' })).toMatchObject({ ok: true, terms: { intervalSeconds: 90, refresher: 'us' } });
  });

  it('refreshes itself where the far end cannot', () => {
    expect(ask({})).toEqual({ ok: true, terms: { intervalSeconds: 1800, refresher: 'us', alone: true }, headers: ['Session-Expires: 1800;refresher=uas'] });
  });

  it('stays above the Min-SE of proxies, and leaves roles as they are in a refresh', () => {
    expect(ask({ supported: 'timer', 'session-expires': '4000', 'min-se': '3600' })).toMatchObject({ terms: { intervalSeconds: 3600 } });
    expect(ask({ supported: 'timer' }, 1800, { intervalSeconds: 1800, refresher: 'us' })).toMatchObject({ terms: { refresher: 'us' } });
    expect(ask({ supported: 'timer' }, 1800, { intervalSeconds: 1800, refresher: 'them' })).toMatchObject({ terms: { refresher: 'them' } });
  });

  it('switched off it answers nothing, but what is required', () => {
    expect(ask({ supported: 'timer', 'session-expires': '1800' }, 0)).toEqual({ ok: true, terms: undefined, headers: [] });
    expect(ask({ require: 'timer', 'session-expires': '1800' }, 0)).toMatchObject({ terms: { intervalSeconds: 1800 } });
  });

  it('keeps every interval between 90 s and a day, whatever is asked', () => {
    fc.assert(fc.property(fc.nat(10_000_000), fc.nat(100_000), fc.nat(10_000_000), fc.boolean(), (asked, wanted, min, supported) => {
      const answer = ask({ 'session-expires': String(asked), 'min-se': String(min), ...(supported ? { supported: 'timer' } : {}) }, wanted);
      if (!answer.ok) return expect(asked).toBeLessThan(90);
      if (wanted === 0) return expect(answer.terms).toBeUndefined();
      expect(answer.terms?.intervalSeconds).toBeGreaterThanOrEqual(90);
      expect(answer.terms?.intervalSeconds).toBeLessThanOrEqual(86_400);
    }));
  });
});

describe('the running timer', () => {
  const run = (terms: SessionTimerTerms) => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const timer = new SessionTimer(clock, { refresh: () => log.push(`refresh at ${clock.monotonicMs() / 1000}`), expired: () => log.push(`expired at ${clock.monotonicMs() / 1000}`) });
    timer.restart(terms);
    return { clock, log, timer };
  };

  it('refreshes at half the interval and gives up 32 s before its end', () => {
    const { clock, log } = run({ intervalSeconds: 1800, refresher: 'us' });
    clock.advance(1_800_000);
    expect(log).toEqual(['refresh at 900', 'expired at 1768']);
  });

  it('gives a short session up after two thirds', () => {
    const { clock, log } = run({ intervalSeconds: 90, refresher: 'them' });
    clock.advance(90_000);
    expect(log).toEqual(['expired at 60']);
    expect(sessionDeadlines({ intervalSeconds: 90, refresher: 'us' })).toEqual({ refreshMs: 45_000, expireMs: 60_000 });
  });

  it('begins anew with each refresh, and never fires once stopped', () => {
    const { clock, log, timer } = run({ intervalSeconds: 90, refresher: 'them' });
    for (let i = 0; i < 5; i++) { clock.advance(50_000); timer.restart({ intervalSeconds: 90, refresher: 'them' }); }
    expect(log).toEqual([]);
    timer.stop();
    clock.advance(1_000_000);
    expect(log).toEqual([]);
  });
});

it('waits after a glare as RFC 3261 §14.1 wants it', () => {
  const draws = Array.from({ length: 500 }, () => [glareDelayMs(true), glareDelayMs(false)]);
  for (const [owner, other] of draws) {
    expect(owner).toBeGreaterThanOrEqual(2_100);
    expect(owner).toBeLessThanOrEqual(4_000);
    expect(other).toBeGreaterThanOrEqual(0);
    expect(other).toBeLessThanOrEqual(2_000);
    expect([owner % 10, other % 10]).toEqual([0, 0]);
  }
});
