import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import type { Hop, SipSocket } from './sip-socket.js';
import { openUdpSocket } from './udp-transport.js';
import { UdpProbe } from './udp-probe.js';
import type { Peer } from '../message/wire.js';

let clock: VirtualClock;
let peer: Socket;
let received: string[];
let wake: () => void;
let socket: SipSocket;
let messages: { text: string; source: Peer }[];
let refused: string[];
const to = (): Hop => ({ transport: 'udp', address: '127.0.0.1', port: peer.address().port, hostname: 'peer' });
const until = async (holds: () => boolean): Promise<void> => { while (!holds()) await new Promise<void>((resolve) => { wake = resolve; }); };

beforeEach(async () => {
  clock = new VirtualClock();
  [received, messages, refused] = [[], [], []];
  wake = () => undefined;
  peer = createSocket('udp4');
  peer.on('message', (datagram) => { received.push(datagram.toString()); wake(); });
  await new Promise<void>((resolve) => { peer.bind(0, '127.0.0.1', resolve); });
  socket = await openUdpSocket({ bindAddress: '127.0.0.1', port: 0, clock }, {
    onMessage: (text, source) => { messages.push({ text, source }); wake(); }, onRefused: (reason) => { refused.push(reason); wake(); }, onError: () => undefined, onFlowLost: () => undefined, isKnown: () => true,
  });
});
afterEach(async () => {
  await socket.close();
  peer.close();
});

describe('a UDP socket', () => {
  it('keeps the way to a target open while somebody needs it, at the shortest interval', async () => {
    const ends = [socket.use(to(), { keepAliveMs: 30_000 }), socket.use(to(), { keepAliveMs: 0 })];
    clock.advance(29_999);
    clock.advance(1);
    await until(() => received.length === 1);
    const shorter = socket.use(to(), { keepAliveMs: 10_000 });
    clock.advance(30_000);
    clock.advance(10_000);
    await until(() => received.length === 3);
    shorter();
    for (const end of ends) end();
    clock.advance(1_000_000);
    await socket.send('the end, in twenty bytes', to());
    await until(() => received.length === 4);
    expect(received).toEqual(['\r\n\r\n', '\r\n\r\n', '\r\n\r\n', 'the end, in twenty bytes']);
  });

  it('takes messages, passes over keep-alives, and refuses what is too large', async () => {
    for (const text of ['\r\n\r\n', 'x'.repeat(9_000), 'a message of twenty bytes']) peer.send(text, socket.port ?? 0, '127.0.0.1');
    await until(() => messages.length === 1);
    expect([messages, refused]).toEqual([[{ text: 'a message of twenty bytes', source: { address: '127.0.0.1', port: peer.address().port, transport: 'udp' } }], ['datagram of 9000 bytes']]);
  });

  it('sends nothing once closed', async () => {
    await socket.close();
    await expect(socket.send('x', to())).rejects.toThrow('closed');
  });
});

describe('UdpProbe', () => {
  it('tells of a closed port, and not of a silent one', async () => {
    const told: string[] = [];
    const closed = createSocket('udp4');
    await new Promise<void>((resolve) => { closed.bind(0, '127.0.0.1', resolve); });
    const { port } = closed.address();
    await new Promise<void>((resolve) => { closed.close(resolve); });
    const probe = new UdpProbe(clock, (address, refusedPort) => { told.push(`${address} ${refusedPort}`); wake(); });
    probe.start({ address: '127.0.0.1', port });
    probe.start({ address: '127.0.0.1', port });
    probe.start(to());
    await until(() => received.length === 1);
    clock.advance(500);
    await until(() => received.length === 2);
    clock.advance(500);
    await until(() => told.length === 1 && received.length === 3);
    clock.advance(2_000);
    expect([told, new Set(received)]).toEqual([[`127.0.0.1 ${port}`], new Set(['\r\n\r\n'])]);
    probe.close();
  });

  it('of a place is not disturbed by what comes late for the one before', async () => {
    const closed = createSocket('udp4');
    await new Promise<void>((resolve) => { closed.bind(0, '127.0.0.1', resolve); });
    const place = { address: '127.0.0.1', port: closed.address().port };
    await new Promise<void>((resolve) => { closed.close(resolve); });
    let told = 0;
    const probe = new UdpProbe(clock, () => { told++; });
    for (let turn = 0; turn < 30; turn++) {
      probe.start(place);
      await new Promise((resolve) => { setImmediate(resolve); });
      // A stalled process: all its sends and its end in one turn, and the errors of the sends after that.
      for (const ms of [500, 500, 1_000]) clock.advance(ms);
    }
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    probe.close();
    // A socket closed twice would have thrown outside of anybody's reach, and failed this test.
    expect(told).toBeLessThanOrEqual(30);
  });
});
