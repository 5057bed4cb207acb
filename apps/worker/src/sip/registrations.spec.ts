import type { RegistrationState, TrunkEntry } from '@dialfleet/fleet';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { connectNats, RegistrationStore, TemporaryNats } from '@dialfleet/messaging';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { leaseTimes } from './registration-lease.js';
import { Registrations } from './registrations.js';

const TTL_MS = 1_000;
let nats: TemporaryNats;
let watching: NatsConnection;
beforeAll(async () => {
  nats = await TemporaryNats.start();
  watching = await connectNats({ url: nats.url, name: 'test', logger: silentLogger });
});
afterAll(async () => { await watching?.close(); await nats?.close(); });

const entry = (trunkId: string, change: Partial<TrunkEntry> = {}): TrunkEntry => ({
  workspaceId: 'ws', trunk: { trunkId, host: '127.0.0.1', transport: 'udp', username: 'u', password: 'p', codecs: ['PCMU'] }, register: true, registerExpiresSeconds: 600, inboundSources: [], inboundAuth: false, ...change,
});

/** Who is registered where, as the registrar sees it. */
const bindings = new Set<string>();

async function worker(workerId: string) {
  const nc = await connectNats({ url: nats.url, name: workerId, logger: silentLogger });
  const registry = new RegistrationStore(nc, TTL_MS);
  let dead = false;
  const it = new Registrations({
    worker: { workerId, epoch: 'e1' }, registry, times: leaseTimes(TTL_MS), clock: systemClock, logger: silentLogger,
    open: ({ trunk: { trunkId }, registerExpiresSeconds }) => () => Promise.resolve({
      register: () => {
        if (!dead) bindings.add(`${trunkId} ${workerId} ${registerExpiresSeconds}`);
        return Promise.resolve({ outcome: 'registered' as const, sipStatus: 200, reason: 'OK', expiresSeconds: 600, serviceRoute: ['<sip:edge.example;lr>'], server: 'udp:127.0.0.1:5060' });
      },
      unregister: () => { if (!dead) bindings.delete(`${trunkId} ${workerId} ${registerExpiresSeconds}`); return Promise.resolve(); },
      close: () => undefined,
    }),
  });
  const stopFollowing = registry.followLeases((id, owner) => { it.heardLease(id, owner); }, systemClock, silentLogger);
  return {
    it,
    stop: async () => { await it.end(); stopFollowing(); await nc.close(); },
    /** As kill -9 does it: nothing is given back or said. */
    kill: async () => { dead = true; stopFollowing(); await nc.close(); await it.end(); },
  };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> { while (!(await holds())) await new Promise((resolve) => { setTimeout(resolve, 20); }); }
const state = (trunkId: string): Promise<RegistrationState | undefined> => new RegistrationStore(watching, TTL_MS).read(trunkId);

describe('registrations of a fleet on a real broker', () => {
  it('have one owner each; a killed one is followed by another; one that stops gives way at once', async () => {
    const [a, b] = [await worker('a'), await worker('b')];
    const trunks = ['t1', 't2', 't3'].map((id) => entry(id));
    a.it.learn([...trunks, entry('t4', { register: false })]);
    await until(() => a.it.held.length === 3 && bindings.size === 3);
    b.it.learn(trunks);
    await until(async () => (await state('t3')) !== undefined);
    expect(await state('t1')).toMatchObject({ trunkId: 't1', workerId: 'a', registered: true, lastAnswer: { status: 200, reason: 'OK' }, serviceRoute: ['<sip:edge.example;lr>'] });
    expect(b.it.held).toEqual([]);

    await a.kill();
    await until(() => b.it.held.length === 3);
    await until(async () => (await state('t2'))?.workerId === 'b');

    const c = await worker('c');
    c.it.learn(trunks);
    await b.stop();
    expect([...bindings].filter((binding) => binding.includes(' b '))).toEqual([]);
    await until(() => c.it.held.length === 3);
    await until(async () => (await state('t2'))?.workerId === 'c');
    await c.stop();
    expect(await state('t1')).toMatchObject({ registered: false, expiresAt: null, lastAnswer: { reason: 'the worker that held it was stopped' } });
  }, 30_000);

  it('follow the trunk: changed, it is registered anew by the same worker; gone, it is forgotten', async () => {
    const a = await worker('d');
    a.it.learn([entry('t9')]);
    await until(() => bindings.has('t9 d 600'));
    a.it.learn([entry('t9', { registerExpiresSeconds: 60 })]);
    await until(() => bindings.has('t9 d 60') && !bindings.has('t9 d 600'));
    a.it.learn([]);
    await until(async () => !bindings.has('t9 d 60') && (await state('t9')) === undefined);
    await until(() => a.it.held.length === 0);
    await a.stop();
  }, 30_000);

  it('survive a restart of the broker', async () => {
    const a = await worker('f');
    a.it.learn([entry('t7')]);
    await until(async () => (await state('t7'))?.registered === true);
    await nats.halt('SIGKILL');
    await nats.boot();
    await until(async () => a.it.held.includes('t7') && (await state('t7').catch(() => undefined))?.registered === true);
    expect([...bindings].filter((binding) => binding.startsWith('t7'))).toEqual(['t7 f 600']);
    await a.stop();
  }, 30_000);
});
