import type { CallPlan } from '@dialfleet/call';
import { VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { claimCall, type AskAnswer, type ClaimPort } from './claim-call.js';
import { RegistryView } from './registry.js';

const plan = { sessionId: 's1' } as CallPlan;

function fleet(answers: Record<string, AskAnswer>, cancels: boolean, max = 4) {
  const clock = new VirtualClock();
  const registry = new RegistryView();
  for (const workerId of Object.keys(answers)) {
    registry.heard({ workerId, epoch: 'e', status: 'ready', calls: 0, max, version: '1', startedAtMs: 0, mediaAddress: '', cpuLoad: 0 }, 0);
  }
  const asked: string[] = [];
  const port: ClaimPort = {
    claim: (workerId) => { asked.push(workerId); return Promise.resolve(answers[workerId]); },
    cancel: (workerId) => { asked.push(`cancel ${workerId}`); return Promise.resolve(cancels); },
  };
  return { asked, registry, claim: () => claimCall(plan, registry, port, clock, () => 0) };
}
const accepted = (workerId: string): AskAnswer => ({ kind: 'reply', reply: { accepted: true, workerId, epoch: 'e', calls: 1, max: 4 } });
const full = (workerId: string): AskAnswer => ({ kind: 'reply', reply: { accepted: false, workerId, reason: 'full', calls: 4, max: 4 } });

describe('claiming a worker', () => {
  it('takes the first that accepts', async () => {
    const f = fleet({ a: accepted('a') }, true);
    expect(await f.claim()).toEqual({ ok: true, workerId: 'a', epoch: 'e' });
    expect(f.registry.workers(0, 0)).toEqual([expect.objectContaining({ id: 'a', calls: 1, free: 3 })]);
  });

  it('asks the next when one refuses or is gone', async () => {
    const f = fleet({ a: full('a'), b: { kind: 'no_responders' }, c: accepted('c') }, true);
    expect(await f.claim()).toMatchObject({ ok: true, workerId: 'c' });
  });

  it('says why when all refuse', async () => {
    const f = fleet({ a: full('a'), b: { kind: 'no_responders' } }, true);
    expect(await f.claim()).toEqual({ ok: false, code: 'no_capacity',
      detail: 'No worker has a free slot: of 2 workers, 1 busy, 1 unreachable (4 of 4 calls in progress).' });
  });

  it('tells a worker that is overloaded from one that is full', async () => {
    const overloaded: AskAnswer = { kind: 'reply', reply: { accepted: false, workerId: 'a', reason: 'overloaded', calls: 1, max: 4 } };
    expect(await fleet({ a: overloaded, b: accepted('b') }, true).claim()).toMatchObject({ ok: true, workerId: 'b' });
    expect(await fleet({ a: overloaded, b: full('b') }, true).claim()).toMatchObject({ ok: false, code: 'no_capacity',
      detail: 'No worker has a free slot: of 2 workers, 1 busy, 1 overloaded by calls that begin at once (5 of 8 calls in progress).' });
  });

  it('cancels an ambiguous claim before it asks another', async () => {
    const f = fleet({ a: { kind: 'timeout' }, b: accepted('b') }, true);
    const outcome = await f.claim();
    expect(outcome).toMatchObject({ ok: true, workerId: 'b' });
    if (f.asked[0] === 'a') expect(f.asked).toEqual(['a', 'cancel a', 'b']);
  });

  it('never dials elsewhere when the cancellation is not confirmed', async () => {
    const f = fleet({ a: { kind: 'timeout' } }, false);
    expect(await f.claim()).toMatchObject({ ok: false, code: 'unavailable' });
    expect(f.asked).toEqual(['a', 'cancel a']);
  });
});
