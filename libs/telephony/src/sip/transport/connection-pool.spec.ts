import { beforeEach, describe, expect, it } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import type { Connection, ConnectionEvents, ConnectionKind, OpenConnection } from './connection.js';
import { ConnectionPool, IDLE_CLOSE_MS, PONG_TIMEOUT_MS, SILENT_CLIENT_MS, STRANGER_MS } from './connection-pool.js';
import type { Hop } from './sip-socket.js';

/** A connection that is only remembered. */
class FakeConnection implements Connection {
  readonly sent: string[] = [];
  pings = 0;
  destroyed = false;

  constructor(readonly remote: { address: string; port: number }, readonly localPort: number, readonly alwaysPongs: boolean, readonly events: ConnectionEvents) {}

  send(text: string): Promise<void> { this.sent.push(text); return Promise.resolve(); }
  ping(): void { this.pings++; }
  destroy(): void { this.destroyed = true; }
}

const server: Hop = { transport: 'tcp', address: '192.0.2.1', port: 5060, hostname: 'a.test' };
let clock: VirtualClock;
let opened: FakeConnection[];
let lost: string[];
let arrive: (open: OpenConnection, source: { address: string; port: number }) => void;
let pool: ConnectionPool;
let dialling: Promise<unknown>;

function newPool(transport: 'tcp' | 'ws' = 'tcp'): ConnectionPool {
  const kind: ConnectionKind = {
    transport, keyOf: ({ address, port }) => `${address} ${port}`,
    dial: async (to, events) => {
      await dialling;
      const connection = new FakeConnection(to, 40_000 + opened.length, transport === 'ws', events);
      opened.push(connection);
      return connection;
    },
    listen: (_address, port, onConnection) => { arrive = onConnection; return Promise.resolve({ port, close: () => Promise.resolve() }); },
  };
  return new ConnectionPool(kind, clock, { onMessage: () => undefined, onRefused: () => undefined, onError: () => undefined, onFlowLost: (flow, reason) => { lost.push(`${flow}: ${reason}`); },
    isKnown: (address) => !address.startsWith('203.') });
}

/** A client connects. */
async function arrived(source = { address: '198.51.100.1', port: 33_333 }): Promise<FakeConnection> {
  if (pool.port === undefined) await pool.listen('0.0.0.0', 5060);
  let connection: FakeConnection | undefined;
  arrive((events) => { connection = new FakeConnection(source, 5060, false, events); return connection; }, source);
  if (!connection) throw new Error('not taken');
  return connection;
}

beforeEach(() => {
  clock = new VirtualClock();
  [opened, lost, dialling] = [[], [], Promise.resolve()];
  pool = newPool();
});

describe('ConnectionPool', () => {
  it('opens one connection to a server, however many ask at once, and says whether it was there before', async () => {
    const hops = await Promise.all([pool.connect(server), pool.connect(server), pool.send('x', server)]);
    expect([opened.length, hops[0], opened[0].sent]).toEqual([1, { ...server, flow: 'tcp1', localPort: 40_000, reused: false }, ['x']]);
    expect(await pool.connect(server)).toMatchObject({ flow: 'tcp1', reused: true });
    await pool.connect({ ...server, port: 5070 });
    expect(opened).toHaveLength(2);
  });

  it('tries again after a failure', async () => {
    dialling = Promise.reject(new Error('refused'));
    await expect(pool.connect(server)).rejects.toThrow('refused');
    dialling = Promise.resolve();
    expect(await pool.connect(server)).toMatchObject({ flow: 'tcp2' });
    expect(pool.size).toBe(1);
  });

  it('takes a connection that came in for what goes to that very address and port', async () => {
    const client = await arrived();
    await pool.send('y', { ...server, address: '198.51.100.1', port: 33_333 });
    expect([client.sent, opened]).toEqual([['y'], []]);
    client.events.onClosed();
    await pool.send('z', { ...server, address: '198.51.100.1', port: 33_333 });
    expect([opened.length, lost]).toEqual([1, ['tcp-1: the connection was closed']]);
  });

  it('does not call back the client of a WebSocket', async () => {
    pool = newPool('ws');
    await expect(pool.send('x', { ...server, transport: 'ws', flow: 'ws-7' })).rejects.toThrow('the connection was closed');
    expect(opened).toEqual([]);
  });

  it('lets 128 connections in from one address', async () => {
    const clients = [];
    for (let port = 1; port <= 129; port++) clients.push(await arrived({ address: '198.51.100.1', port }));
    expect(clients.map(({ destroyed }) => destroyed).indexOf(true)).toBe(128);
    expect((await arrived({ address: '198.51.100.2', port: 1 })).destroyed).toBe(false);
    clients[128].events.onClosed();
    clients[0].events.onClosed();
    expect((await arrived({ address: '198.51.100.1', port: 1_000 })).destroyed).toBe(false);
  });

  it('closes what nobody uses: after 3 minutes its own, after 10 those of silent clients', async () => {
    await pool.connect(server);
    const client = await arrived();
    clock.advance(IDLE_CLOSE_MS - 1_000);
    await pool.send('x', server);
    clock.advance(IDLE_CLOSE_MS - 1_000);
    expect([opened[0].destroyed, client.destroyed]).toEqual([false, false]);
    clock.advance(SILENT_CLIENT_MS / 4);
    client.events.onAlive();
    expect([opened[0].destroyed, client.destroyed, lost]).toEqual([true, false, ['tcp1: idle']]);
    clock.advance(SILENT_CLIENT_MS * 1.5);
    expect([client.destroyed, pool.size]).toEqual([true, 0]);
  });

  it('closes what strangers opened after 30 s, whatever they send, unless they were answered; their pings are not', async () => {
    const [silent, dripping, answered, known] = [await arrived({ address: '203.0.113.1', port: 1 }), await arrived({ address: '203.0.113.2', port: 2 }), await arrived({ address: '203.0.113.3', port: 3 }), await arrived()];
    await pool.send('SIP/2.0 401 Unauthorized', { ...server, address: '203.0.113.3', port: 3 });
    expect([silent, dripping, answered, known].map(({ events }) => events.onAlive())).toEqual([false, false, true, true]);
    for (let passed = 0; passed < STRANGER_MS * 1.5; passed += 5_000) {
      clock.advance(5_000);
      if (!dripping.destroyed) dripping.events.onMessage('OPTIONS');
    }
    expect([silent, dripping, answered, known].map(({ destroyed }) => destroyed)).toEqual([true, true, false, false]);
  });

  it('keeps room for trunks, whoever else connects, in both directions', async () => {
    const strangers: FakeConnection[] = [];
    for (let i = 0; i < 3_000; i++) strangers.push(await arrived({ address: `203.0.${i >> 8}.${i & 255}`, port: i }));
    expect(strangers.filter(({ destroyed }) => !destroyed)).toEqual(strangers.slice(-512));
    for (let i = 0; i < 2_000; i++) await arrived({ address: `198.51.${i >> 8}.${i & 255}`, port: i });
    expect(await pool.connect(server)).toMatchObject({ reused: false });
  });

  it('keeps what a call uses, with a ping on silence', async () => {
    const endUse = pool.use(server, { keepAliveMs: 30_000 });
    await pool.connect(server);
    clock.advance(29_999);
    expect(opened[0].pings).toBe(0);
    clock.advance(3_600_000);
    expect(opened[0].pings).toBeGreaterThan(100);
    expect(opened[0].destroyed).toBe(false);
    endUse();
    clock.advance(2 * IDLE_CLOSE_MS);
    expect(opened[0].destroyed).toBe(true);
  });

  it('begins to ping when a call takes up a connection, at the shortest interval wanted', async () => {
    await pool.connect(server);
    const ends = [pool.use(server, { keepAliveMs: 0 }), pool.use(server, { keepAliveMs: 60_000 })];
    clock.advance(121_000);
    expect(opened[0].pings).toBeGreaterThanOrEqual(1);
    for (const end of ends) end();
  });

  it('takes for dead who answered pings and stops, but not who never did (RFC 5626 §3.5.1)', async () => {
    pool.use(server, { keepAliveMs: 30_000 });
    await pool.connect(server);
    clock.advance(300_000);
    expect(opened[0].destroyed).toBe(false);
    opened[0].events.onPong();
    clock.advance(30_000 + PONG_TIMEOUT_MS - 1);
    expect(opened[0].destroyed).toBe(false);
    clock.advance(1);
    expect([opened[0].destroyed, lost]).toEqual([true, ['tcp1: the far end does not answer keep-alives any more']]);
  });

  it('takes for dead at once what must pong and does not (RFC 6455 §5.5.3), and is content with anything else heard', async () => {
    pool = newPool('ws');
    const target: Hop = { ...server, transport: 'ws' };
    pool.use(target, { keepAliveMs: 30_000 });
    await pool.connect(target);
    clock.advance(30_000);
    opened[0].events.onMessage('SIP');
    clock.advance(30_000);
    expect([opened[0].pings, opened[0].destroyed]).toEqual([2, false]);
    clock.advance(PONG_TIMEOUT_MS);
    expect(opened[0].destroyed).toBe(true);
  });

  it('closes a connection on which a request was not answered, unless it was heard of since', async () => {
    const first = await pool.connect(server);
    clock.advance(1_000);
    const sentMs = clock.monotonicMs();
    clock.advance(1_000);
    opened[0].events.onAlive();
    pool.suspect(first.flow ?? '', sentMs, 'silent');
    expect(opened[0].destroyed).toBe(false);
    pool.suspect(first.flow ?? '', clock.monotonicMs() + 1, 'silent');
    expect([opened[0].destroyed, lost]).toEqual([true, ['tcp1: silent']]);
  });

  it('ends with everything closed, also what is still being opened', async () => {
    await pool.connect(server);
    let connect: () => void = () => undefined;
    dialling = new Promise<void>((resolve) => { connect = resolve; });
    const late = pool.connect({ ...server, port: 1 });
    await pool.close();
    connect();
    await expect(late).rejects.toThrow('closed');
    await expect(pool.send('x', server)).rejects.toThrow('closed');
    expect(opened.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });
});
