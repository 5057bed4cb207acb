import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RegistrationState } from '@dialfleet/fleet';
import { silentLogger, systemClock } from '@dialfleet/kit';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectNats } from './connection.js';
import { FleetClient } from './fleet-client.js';
import { RegistrationStore } from './registration-store.js';
import { TemporaryNats } from './temporary-nats.js';

let nats: TemporaryNats;
let nc: NatsConnection;
beforeAll(async () => {
  nats = await TemporaryNats.start();
  nc = await connectNats({ url: nats.url, name: 'test', logger: silentLogger });
});
afterAll(async () => { await nc?.close(); await nats?.close(); });

const state = (trunkId: string, registered: boolean): RegistrationState =>
  ({ trunkId, workerId: 'w-1', registered, since: '2026-01-05T10:00:00.000Z', lastAnswer: { status: 200, reason: 'OK', at: '2026-01-05T10:00:00.000Z' }, expiresAt: null });
async function until(holds: () => boolean | Promise<boolean>): Promise<void> { while (!(await holds())) await new Promise((resolve) => { setTimeout(resolve, 20); }); }

describe('the store of registrations', () => {
  it('gives a lease to one, keeps it for whoever renews it, and frees it when it is given back or lapses', async () => {
    const store = new RegistrationStore(nc, 500);
    const first = await store.acquire('t1', 'a');
    expect(first).toEqual(expect.any(Number));
    expect(await store.acquire('t1', 'b')).toBeUndefined();
    const second = await store.renew('t1', 'a', first!);
    expect(await store.renew('t1', 'b', first!)).toBeUndefined();
    await store.release('t1', first!);
    expect(await store.acquire('t1', 'b')).toBeUndefined();
    await store.release('t1', second!);
    expect(await store.acquire('t1', 'b')).toEqual(expect.any(Number));
    await until(async () => (await store.acquire('t1', 'c')) !== undefined);
  });

  it('tells of leases and registrations as they are and become', async () => {
    const store = new RegistrationStore(nc, 500);
    const leases: [string, string | null][] = [];
    const states: [string, boolean | null][] = [];
    await store.publish(state('t2', true));
    const stop = [
      store.followLeases((trunkId, owner) => { leases.push([trunkId, owner]); }, systemClock, silentLogger),
      store.followStates((trunkId, one) => { states.push([trunkId, one?.registered ?? null]); }, systemClock, silentLogger),
    ];
    await until(() => states.length > 0);
    const revision = await store.acquire('t2', 'a');
    await store.release('t2', revision!);
    await store.forget('t2');
    await until(() => leases.some(([id, owner]) => id === 't2' && owner === null) && states.length > 1);
    expect(leases.filter(([id]) => id === 't2')).toEqual([['t2', 'a'], ['t2', null]]);
    expect(states.filter(([id]) => id === 't2')).toEqual([['t2', true], ['t2', null]]);
    for (const end of stop) end();
  });

  it('is read for a list of trunks also while the broker is away', async () => {
    const fleet = await FleetClient.connect(nc, systemClock, silentLogger);
    await new RegistrationStore(nc).publish(state('t3', true));
    expect(await fleet.registration('t3')).toMatchObject({ registered: true });
    expect(await fleet.registration('t4')).toBeUndefined();
    await nats.halt();
    expect(await fleet.registration('t5')).toBeUndefined();
    await until(() => !fleet.isConnected);
    expect(await fleet.checkTrunk('w-1', { workspaceId: 'w', trunk: { trunkId: 't5', host: 'h', transport: 'udp', codecs: [] }, register: false, registerExpiresSeconds: 1, inboundSources: [], inboundAuth: false })).toBeUndefined();
    await nats.boot();
    fleet.close();
  }, 30_000);
});
