import { describe, expect, it } from '@jest/globals';
import type { ClaimedDelivery, ClaimRequest } from '@dialfleet/database';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { DeliveryLoop } from './delivery-loop.js';
import { EndpointPace } from './endpoint-pace.js';

const delivery = (id: string, endpoint = 'ep', perSecond: number | null = null): ClaimedDelivery => ({ id, endpoint_id: endpoint, per_second: perSecond } as ClaimedDelivery);
const settle = async (): Promise<void> => { for (let i = 0; i < 20; i++) await Promise.resolve(); };

function stage(concurrency = 4) {
  const clock = new VirtualClock();
  const queue: ClaimedDelivery[] = [];
  const claims: ClaimRequest[] = [];
  const sending = new Map<string, () => void>();
  const state = { reconciled: 0, fail: 0 };
  const loop = new DeliveryLoop({
    clock, logger: silentLogger, owner: 'me', concurrency,
    deliveries: {
      claim: async (request) => {
        claims.push(request);
        if (state.fail-- > 0) throw new Error('away');
        return queue.splice(0, queue.length).filter((d, i) => (i < request.limit && !request.except.includes(d.endpoint_id)) || (queue.push(d), false));
      },
      reconcile: async () => { state.reconciled++; },
    },
    sender: { attempt: (d) => new Promise((resolve) => { sending.set(d.id, () => { sending.delete(d.id); resolve(); }); }) },
  });
  return { clock, queue, claims, sending, state, loop };
}

describe('delivery loop', () => {
  it('looks once a second, and at once when woken', async () => {
    const { clock, queue, claims, sending, loop } = stage();
    loop.start();
    await settle();
    expect(claims).toHaveLength(1);
    queue.push(delivery('a'));
    await clock.advanceAsync(990);
    expect(sending.size).toBe(0);
    await clock.advanceAsync(20);
    expect([...sending.keys()]).toEqual(['a']);
    queue.push(delivery('b'));
    loop.wake();
    await settle();
    expect([...sending.keys()]).toEqual(['a', 'b']);
    expect(claims.at(-1)).toMatchObject({ limit: 3, owner: 'me', leaseMs: 30_000 });
  });
  it('never has more in flight than allowed, and goes on when one is done', async () => {
    const { queue, sending, loop } = stage(2);
    queue.push(...['a', 'b', 'c', 'd'].map((id) => delivery(id)));
    loop.start();
    await settle();
    expect([...sending.keys()]).toEqual(['a', 'b']);
    sending.get('a')?.();
    await settle();
    expect([...sending.keys()]).toEqual(['b', 'c']);
  });
  it('lets an endpoint rest as its rate asks', async () => {
    const { clock, queue, sending, loop, claims } = stage();
    queue.push(delivery('a', 'limited', 0.5));
    loop.start();
    await settle();
    queue.push(delivery('b', 'limited', 0.5), delivery('c', 'free'));
    await clock.advanceAsync(1500);
    expect([...sending.keys()]).toEqual(['a', 'c']);
    expect(claims.at(-1)?.except).toEqual(['limited']);
    await clock.advanceAsync(1000);
    expect([...sending.keys()]).toEqual(['a', 'c', 'b']);
  });
  it('keeps trying while the database is away, and keeps endpoints and deliveries in step', async () => {
    const { clock, queue, sending, state, loop } = stage();
    state.fail = 3;
    queue.push(delivery('a'));
    loop.start();
    await clock.advanceAsync(20_000);
    expect([...sending.keys()]).toEqual(['a']);
    expect(state.reconciled).toBeGreaterThanOrEqual(3);
  });
  it('stops claiming, and waits for what is in flight', async () => {
    const { clock, queue, sending, loop, claims } = stage();
    queue.push(delivery('a'));
    loop.start();
    await settle();
    let stopped = false;
    void loop.stop().then(() => { stopped = true; });
    const before = claims.length;
    queue.push(delivery('b'));
    await clock.advanceAsync(3000);
    expect([stopped, claims.length]).toEqual([false, before]);
    sending.get('a')?.();
    await settle();
    expect([stopped, sending.size]).toEqual([true, 0]);
  });
});

describe('endpoint pace', () => {
  it('adds up what was sent together', () => {
    const pace = new EndpointPace();
    for (let i = 0; i < 3; i++) pace.sent('a', 10, 0);
    pace.sent('b', null, 0);
    expect(pace.resting(299)).toEqual(['a']);
    expect(pace.resting(300)).toEqual([]);
  });
});
