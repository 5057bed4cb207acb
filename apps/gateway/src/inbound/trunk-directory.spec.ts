import type { TrunkEntry } from '@dialfleet/fleet';
import { silentLogger } from '@dialfleet/kit';
import { answerRequests, connectNats, GATEWAY_QUEUE, request, RequestRefused, subjects, TemporaryNats } from '@dialfleet/messaging';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { GatewayHarness } from '../testing/gateway-harness.js';
import { answerFleet } from './fleet-questions.js';
import { InboundCalls } from './inbound-calls.service.js';
import { TrunkDirectoryService } from './trunk-directory.service.js';

let gateway: GatewayHarness;
let nats: TemporaryNats;
let nc: NatsConnection;
beforeAll(async () => {
  gateway = await GatewayHarness.start();
  nats = await TemporaryNats.start();
  nc = await connectNats({ url: nats.url, name: 'test', logger: silentLogger });
  answerFleet(nc, { trunks: gateway.app.get(TrunkDirectoryService), calls: gateway.app.get(InboundCalls) }, silentLogger);
}, 60_000);
afterAll(async () => { await nc?.close(); await nats?.close(); await gateway?.close(); });

const all = async (): Promise<TrunkEntry[]> => {
  const entries: TrunkEntry[] = [];
  for (let after: string | undefined = ''; after !== undefined;) {
    const page: { trunks: TrunkEntry[]; next?: string } = await request(nc, subjects.trunks, { after }, 2000);
    entries.push(...page.trunks);
    after = page.next;
  }
  return entries;
};

describe('the trunks as workers ask for them', () => {
  it('are all there, of every workspace, with what a worker needs of each, and gone once put away', async () => {
    const mine = await gateway.trunk({ username: 'u', password: 'secret', inbound_sources: ['203.0.113.0/24'] });
    const neighbour = await gateway.neighbour();
    const theirs = (await gateway.post('/api/v1/trunks', { name: 'T', host: 'sip.example', port: 5060, transport: 'tcp', default_from_number: '+14155550199' }, { key: neighbour.key })).body.trunk_id;
    const entries = await all();
    expect(entries.find(({ trunk }) => trunk.trunkId === mine)).toMatchObject({
      workspaceId: gateway.workspaceId, register: false, registerExpiresSeconds: 3600, inboundSources: ['203.0.113.0/24'], inboundAuth: false,
      trunk: { host: '127.0.0.1', username: 'u', password: 'secret', transport: 'udp' },
    });
    expect(entries.find(({ trunk }) => trunk.trunkId === theirs)).toMatchObject({ workspaceId: neighbour.workspaceId, trunk: { host: 'sip.example' } });
    await gateway.ask('DELETE', `/api/v1/trunks/${mine}`);
    expect((await all()).map(({ trunk }) => trunk.trunkId)).not.toContain(mine);
  });

  it('come in pages, each once', async () => {
    const made: string[] = [];
    for (let i = 0; i < 60; i++) made.push(await gateway.trunk({ name: `T${i}` }));
    const ids = (await all()).map(({ trunk }) => trunk.trunkId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(made));
  });

  it('are asked for again after each change', async () => {
    gateway.fleet.reset();
    const id = await gateway.trunk();
    await gateway.ask('PATCH', `/api/v1/trunks/${id}`, { body: { name: 'Other' } });
    await gateway.ask('DELETE', `/api/v1/trunks/${id}`);
    expect(gateway.fleet.trunkChanges).toBe(3);
  });
});

describe('a question that cannot be answered', () => {
  it('is told so at once, without details', async () => {
    const stop = answerRequests(nc, 'test.fails', GATEWAY_QUEUE, () => Promise.reject(new Error('password of the database')), silentLogger);
    await expect(request(nc, 'test.fails', {}, 2000)).rejects.toThrow(RequestRefused);
    await expect(request(nc, 'test.fails', {}, 2000)).rejects.toThrow('test.fails: failed');
    stop();
  });
});
