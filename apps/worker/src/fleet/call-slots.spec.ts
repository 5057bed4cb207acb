import type { CallPlan } from '@dialfleet/call';
import { VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CallSlots } from './call-slots.js';

function slots(maxCalls = 2, mayBegin?: () => boolean) {
  const clock = new VirtualClock();
  const begun: string[] = [];
  const hungUp: string[] = [];
  const ends = new Map<string, () => void>();
  const it = new CallSlots({ workerId: 'w', epoch: 'e', maxCalls }, clock, (plan) => {
    begun.push(plan.sessionId);
    const done = new Promise<void>((resolve) => { ends.set(plan.sessionId, resolve); });
    return { hangUp: () => { hungUp.push(plan.sessionId); ends.get(plan.sessionId)?.(); }, transfer: (target) => { hungUp.push(`${plan.sessionId} to ${target}`); return { ok: true }; }, done };
  }, mayBegin);
  const plan = (sessionId: string, inMs = 500) => ({ sessionId, claimDeadlineMs: clock.nowMs() + inMs }) as CallPlan;
  return { it, clock, begun, hungUp, end: async (id: string) => { ends.get(id)?.(); await Promise.resolve(); await Promise.resolve(); }, plan };
}

describe('the slots of a worker', () => {
  it('grants each slot once and says when it is full', async () => {
    const s = slots(2);
    expect(s.it.claim(s.plan('a'))).toMatchObject({ accepted: true });
    expect(s.it.claim(s.plan('b'))).toMatchObject({ accepted: true });
    expect(s.it.claim(s.plan('c'))).toMatchObject({ accepted: false, reason: 'full', calls: 2, max: 2 });
    await s.end('a');
    expect(s.it.claim(s.plan('c'))).toMatchObject({ accepted: true });
  });

  it('begins nothing while the process cannot, whatever slots are free; a call that runs is claimed again all the same', () => {
    let can = true;
    const s = slots(2, () => can);
    s.it.claim(s.plan('a'));
    can = false;
    expect(s.it.claim(s.plan('b'))).toMatchObject({ accepted: false, reason: 'overloaded', calls: 1, max: 2 });
    expect(s.it.claim(s.plan('a'))).toMatchObject({ accepted: true });
    can = true;
    expect(s.it.claim(s.plan('b'))).toMatchObject({ accepted: true });
  });

  it('dials a session once, however often it is claimed, even after it ended', async () => {
    const s = slots();
    for (let i = 0; i < 3; i++) expect(s.it.claim(s.plan('a'))).toMatchObject({ accepted: true });
    await s.end('a');
    expect(s.it.claim(s.plan('a'))).toMatchObject({ accepted: true });
    expect(s.begun).toEqual(['a']);
  });

  it('discards a claim read past its deadline', () => {
    const s = slots();
    expect(s.it.claim(s.plan('a', -1))).toMatchObject({ accepted: false, reason: 'expired' });
  });

  it('refuses a claim that was withdrawn before it arrived, and hangs up one withdrawn after', () => {
    const s = slots();
    expect(s.it.withdraw('late')).toEqual({ ok: true });
    expect(s.it.claim(s.plan('late'))).toMatchObject({ accepted: false, reason: 'cancelled' });
    s.it.claim(s.plan('early'));
    s.it.withdraw('early');
    expect(s.hungUp).toEqual(['early']);
  });

  it('holds a slot for a caller while it is decided what becomes of the call', async () => {
    const s = slots(2);
    const [first, second] = [s.it.reserve(), s.it.reserve()];
    if (!first.ok || !second.ok) throw new Error('not reserved');
    expect([s.it.reserve(), s.it.claim(s.plan('x'))]).toMatchObject([{ ok: false, reason: 'full' }, { accepted: false, reason: 'full', calls: 2 }]);
    first.slot.free();
    first.slot.free();
    expect(s.it.size).toBe(1);
    expect(second.slot.take('in', () => ({ hangUp: () => undefined, transfer: () => ({ ok: true }), done: new Promise(() => undefined) }))).toBe(true);
    second.slot.free();
    expect(s.it.size).toBe(1);
    expect(s.it.claim(s.plan('a'))).toMatchObject({ accepted: true });
    expect(s.it.claim(s.plan('b'))).toMatchObject({ reason: 'full' });
  });

  it('begins an inbound session once, and none that was withdrawn or claimed', async () => {
    const s = slots(4);
    s.it.withdraw('withdrawn');
    s.it.claim(s.plan('running'));
    for (const id of ['withdrawn', 'running']) {
      const reservation = s.it.reserve();
      expect(reservation.ok && reservation.slot.take(id, () => { throw new Error('begun'); })).toBe(false);
    }
    expect(s.it.size).toBe(1);
  });

  it('drains only when nothing is held for a caller either', async () => {
    const s = slots();
    const reservation = s.it.reserve();
    let isDrained = false;
    void s.it.drained(60_000).then(() => { isDrained = true; });
    await s.clock.advanceAsync(10);
    expect([isDrained, s.it.reserve()]).toEqual([false, { ok: false, reason: 'draining' }]);
    if (reservation.ok) reservation.slot.free();
    await s.clock.advanceAsync(10);
    expect(isDrained).toBe(true);
  });

  it('never holds more than there are, in any order of claims, reservations and ends', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('claim', 'reserve', 'take', 'free'), { maxLength: 60 }), (steps) => {
      const s = slots(3);
      const held: Extract<ReturnType<typeof s.it.reserve>, { ok: true }>['slot'][] = [];
      steps.forEach((step, i) => {
        if (step === 'claim') s.it.claim(s.plan(`c${i}`));
        if (step === 'reserve') { const r = s.it.reserve(); if (r.ok) held.push(r.slot); }
        if (step === 'take') held.pop()?.take(`t${i}`, () => ({ hangUp: () => undefined, transfer: () => ({ ok: true }), done: new Promise(() => undefined) }));
        if (step === 'free') held.pop()?.free();
        expect(s.it.size).toBeLessThanOrEqual(3);
      });
    }));
  });

  it('hands a transfer to the call it is for', () => {
    const s = slots();
    s.it.claim(s.plan('a'));
    expect(s.it.transfer('a', '+1415')).toEqual({ ok: true });
    expect(s.it.transfer('b', '+1415')).toEqual({ ok: false, reason: 'unknown_session' });
    expect(s.hungUp).toEqual(['a to +1415']);
  });

  it('drains: no new call, live ones go on, the rest is hung up at the time-out', async () => {
    const s = slots();
    s.it.claim(s.plan('a'));
    const drained = s.it.drained(60_000);
    expect(s.it.status).toBe('draining');
    expect(s.it.claim(s.plan('b'))).toMatchObject({ accepted: false, reason: 'draining' });
    await s.clock.advanceAsync(59_000, 1000);
    expect(s.hungUp).toEqual([]);
    await s.clock.advanceAsync(2000, 1000);
    await drained;
    expect(s.hungUp).toEqual(['a']);
  });
});
