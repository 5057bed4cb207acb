import { afterEach, describe, expect, it } from '@jest/globals';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { buildRtpPacket, decodeG711, encodeG711, parseRtpPacket, type RtpPacket, sineWave, tonePurity, rmsLevel } from '@dialfleet/media';
import type { MediaSession, RemoteMedia } from '../media-session.js';
import { RtpEngine, type RtpEngineConfig } from './rtp-engine.js';
import { NoRtpPortError } from './rtp-sockets.js';

/** A far end made of a bare socket, so that tests say exactly what is on the wire. */
interface Peer { socket: Socket; port: number; received: RtpPacket[]; send(to: MediaSession, packets: readonly Partial<RtpPacket>[]): Promise<void> }

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

const newEngine = (config: Partial<RtpEngineConfig> = {}): RtpEngine => {
  const engine = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger, ...config });
  cleanUps.push(() => engine.close());
  return engine;
};

const template: RtpPacket = { marker: false, payloadType: 0, sequenceNumber: 0, rtpTimestamp: 0, ssrc: 1, csrcs: [], extension: null, payload: new Uint8Array(160).fill(0xff) };

async function newPeer(): Promise<Peer> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  cleanUps.push(() => { socket.close(); });
  const received: RtpPacket[] = [];
  socket.on('message', (bytes) => { const packet = parseRtpPacket(new Uint8Array(bytes)); if (packet) received.push(packet); });
  const sendOne = (to: MediaSession, packet: Partial<RtpPacket>): Promise<void> => new Promise((resolve, reject) => {
    socket.send(buildRtpPacket({ ...template, ...packet }), to.local.port, '127.0.0.1', (error) => { if (error) reject(error); else resolve(); });
  });
  return { socket, port: (socket.address() as AddressInfo).port, received, send: async (to, packets) => { for (const packet of packets) await sendOne(to, packet); } };
}

const pcmu = { name: 'PCMU', payloadType: 0, clockRateHz: 8000 };
const remoteAt = (port: number, change: Partial<RemoteMedia> = {}): RemoteMedia =>
  ({ address: '127.0.0.1', port, codec: pcmu, telephoneEvent: { payloadType: 101, clockRateHz: 8000 }, direction: 'sendrecv', ...change });

/** Silent packets of one stream with consecutive numbers. */
const stream = (from: number, count: number, ssrc = 1): Partial<RtpPacket>[] =>
  Array.from({ length: count }, (_, i) => ({ ssrc, sequenceNumber: from + i, rtpTimestamp: (from + i) * 160 }));

const packetsAt = async (peer: Peer, count: number): Promise<RtpPacket[]> => {
  const enough = peer.received.length + count;
  while (peer.received.length < enough) await once(peer.socket, 'message');
  return peer.received.slice(-count);
};

/** Datagrams that have been sent are read by the engine before its answers to them can be. */
const untilStats = async (session: MediaSession, peer: Peer, wanted: (stats: Awaited<ReturnType<MediaSession['stats']>>) => boolean): Promise<void> => {
  while (!wanted(await session.stats())) await packetsAt(peer, 1);
};

describe('RtpEngine', () => {
  it('sends a continuous stream of silence as soon as it knows where to', async () => {
    const [session, peer] = [await newEngine().open(), await newPeer()];
    session.setRemote(remoteAt(peer.port));
    const packets = await packetsAt(peer, 10);
    expect(packets[0].marker).toBe(true);
    packets.slice(1).forEach((packet, i) => {
      expect(packet).toMatchObject({ marker: false, ssrc: packets[0].ssrc, sequenceNumber: (packets[i].sequenceNumber + 1) & 0xffff, rtpTimestamp: (packets[i].rtpTimestamp + 160) >>> 0 });
    });
    expect(rmsLevel(decodeG711('PCMU', packets[9].payload))).toBe(0);
  });

  it('follows a customer behind NAT, and nobody else after', async () => {
    const [session, sdp, nat, stranger] = [await newEngine().open(), await newPeer(), await newPeer(), await newPeer()];
    session.setRemote(remoteAt(sdp.port));
    await packetsAt(sdp, 2);
    await nat.send(session, stream(10, 4));
    await packetsAt(nat, 2);
    await stranger.send(session, stream(500, 6, 2));
    await untilStats(session, nat, (stats) => stats.packetsForeign === 6);
    expect(stranger.received).toHaveLength(0);
    expect((await session.stats()).packetsReceived).toBe(2);
  });

  it('cannot be taken over by spoofed packets, before or after the far end speaks', async () => {
    const [session, sdp, stranger] = [await newEngine().open(), await newPeer(), await newPeer()];
    session.setRemote(remoteAt(sdp.port));
    await stranger.send(session, stream(1, 8, 666));
    await sdp.send(session, stream(100, 1));
    await untilStats(session, sdp, (stats) => stats.packetsReceived > 0 && stats.packetsForeign === 0);
    await stranger.send(session, stream(9, 5, 666));
    await untilStats(session, sdp, (stats) => stats.packetsForeign === 5);
    stranger.received.length = 0;
    await packetsAt(sdp, 5);
    expect(stranger.received).toHaveLength(0);
  });

  it('moves only when signalling says so', async () => {
    const [session, first, second] = [await newEngine().open(), await newPeer(), await newPeer()];
    session.setRemote(remoteAt(first.port));
    await packetsAt(first, 2);
    session.setRemote(remoteAt(second.port, { codec: { name: 'PCMA', payloadType: 8, clockRateHz: 8000 } }));
    expect((await packetsAt(second, 2)).map((packet) => packet.payloadType)).toEqual([8, 8]);
  });

  it.each([
    ['a=inactive', { direction: 'inactive' as const }],
    ['c=0.0.0.0', { address: '0.0.0.0' }],
    ['port 0', { port: 0 }],
  ])('stops sending on hold by %s but keeps hearing, and goes on after', async (_name, hold) => {
    const [session, peer] = [await newEngine().open(), await newPeer()];
    session.setRemote(remoteAt(peer.port));
    await packetsAt(peer, 2);
    session.setRemote(remoteAt(peer.port, hold));
    session.play('a', sineWave({ frequencyHz: 700, durationMs: 40 }));
    await peer.send(session, stream(1, 1));
    await new Promise((resolve) => { const stop = session.events.on('audio', (frame) => { stop(); resolve(frame); }); });
    const { packetsSent } = await session.stats();
    await new Promise((resolve) => { let left = 5; const stop = session.events.on('audio', () => { if (--left === 0) { stop(); resolve(null); } }); });
    expect((await session.stats()).packetsSent).toBe(packetsSent);
    session.setRemote(remoteAt(peer.port));
    peer.received.length = 0;
    const [resumed, second] = await packetsAt(peer, 2);
    expect(resumed.marker).toBe(true);
    expect(rmsLevel(decodeG711('PCMU', second.payload))).toBeGreaterThan(1000);
  });

  it('hears a clear tone through 5 % loss, 20 % reordering and duplicates', async () => {
    const [session, peer] = [await newEngine().open(), await newPeer()];
    session.setRemote(remoteAt(peer.port));
    const pcm = sineWave({ frequencyHz: 700, durationMs: 2000 });
    const heard: number[] = [];
    session.events.on('audio', (frame) => heard.push(...frame.pcm));
    let held: Partial<RtpPacket> | null = null;
    for (let n = 0; n < 100; n++) {
      // Our own packets are the metronome.
      await packetsAt(peer, 1);
      const payload = new Uint8Array(160);
      encodeG711('PCMU', pcm.subarray(n * 160, (n + 1) * 160), payload);
      const packet = { sequenceNumber: (65_500 + n) & 0xffff, rtpTimestamp: (0xfffff000 + n * 160) >>> 0, payload };
      if (n % 20 === 7) continue;
      if (n % 5 === 2) { held = packet; continue; }
      await peer.send(session, [packet, ...(held ? [held] : []), ...(n % 10 === 4 ? [packet] : [])]);
      held = null;
    }
    await untilStats(session, peer, (stats) => stats.packetsReceived === 100 - 5 + 10);
    const stats = await session.stats();
    expect(stats.packetsLost).toBe(5);
    expect(stats.packetsLateOrDuplicate).toBeGreaterThanOrEqual(10);
    expect(tonePurity(Int16Array.from(heard.slice(4000, 12_000)), 700)).toBeGreaterThan(0.8);
  });

  it('hears digits whose gateway leaves out the marker and loses two of three ends', async () => {
    const [session, peer] = [await newEngine().open(), await newPeer()];
    session.setRemote(remoteAt(peer.port));
    const digits: string[] = [];
    session.events.on('dtmf', ({ digit }) => digits.push(digit));
    const event = (sequenceNumber: number, rtpTimestamp: number, code: number, duration: number, end = false): Partial<RtpPacket> =>
      ({ payloadType: 101, sequenceNumber, rtpTimestamp, payload: Uint8Array.of(code, (end ? 0x80 : 0) | 10, duration >> 8, duration & 0xff) });
    await peer.send(session, [event(1, 0, 5, 160), event(2, 0, 5, 320), event(3, 0, 5, 480, true), event(6, 1600, 5, 160), event(7, 1600, 5, 320, true), event(8, 1600, 5, 320, true)]);
    await untilStats(session, peer, (stats) => stats.packetsReceived === 6);
    expect(digits).toEqual(['5', '5']);
  });

  it('shows the advertised address, and refuses a wildcard without one', async () => {
    const session = await newEngine({ advertisedAddress: '203.0.113.5' }).open();
    expect(session.local.address).toBe('203.0.113.5');
    expect(() => newEngine({ bindAddress: '0.0.0.0' })).toThrow('advertised address');
  });

  it('stays inside its port range, says when it is exhausted, and lets ports rest', async () => {
    const probe = await newPeer();
    const min = Math.min(60_000, probe.port + (probe.port % 2) + 100);
    const engine = newEngine({ portRange: { min, max: min + 3 }, portRestMs: 60_000 });
    const [first, second] = [await engine.open(), await engine.open()];
    expect([first.local.port, second.local.port].sort()).toEqual([min, min + 2]);
    await expect(engine.open()).rejects.toThrow(NoRtpPortError);
    await first.close();
    await expect(engine.open()).rejects.toThrow(NoRtpPortError);
  });

  it('passes over ports that another program holds, RTP or RTCP', async () => {
    const probe = await newPeer();
    const min = Math.min(60_000, probe.port + (probe.port % 2) + 200);
    const holder = createSocket('udp4');
    holder.bind(min + 1, '127.0.0.1');
    await once(holder, 'listening');
    cleanUps.push(() => { holder.close(); });
    const session = await newEngine({ portRange: { min, max: min + 3 } }).open();
    expect(session.local.port).toBe(min + 2);
  });

  it('rejects an address that is not ours', async () => {
    await expect(newEngine({ bindAddress: '192.0.2.1' }).open()).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  it('keeps the other calls going when a listener of one throws', async () => {
    const engine = newEngine();
    const [bad, good, peer] = [await engine.open(), await engine.open(), await newPeer()];
    bad.events.on('audio', () => { throw new Error('listener fault'); });
    for (const session of [bad, good]) session.setRemote(remoteAt(peer.port));
    await peer.send(bad, stream(1, 1));
    await packetsAt(peer, 20);
    expect((await good.stats()).packetsSent).toBeGreaterThan(5);
    expect((await bad.stats()).packetsSent).toBeGreaterThan(5);
  });

  it('survives datagrams of any kind', async () => {
    const [session, peer] = [await newEngine().open(), await newPeer()];
    session.setRemote(remoteAt(peer.port));
    for (const bytes of [Buffer.alloc(0), Buffer.from('GET / HTTP/1.1'), Buffer.alloc(1400, 0xff), Buffer.alloc(12, 0x8f), Buffer.from([0x9f, 0, 1, 2])]) {
      peer.socket.send(bytes, session.local.port, '127.0.0.1');
    }
    await peer.send(session, stream(1, 1));
    await untilStats(session, peer, (stats) => stats.packetsReceived > 0);
    expect((await session.stats()).packetsReceived).toBe(1);
  });

  it('opens nothing after it was closed', async () => {
    const engine = newEngine();
    await engine.close();
    await expect(engine.open()).rejects.toThrow('closed');
  });

  it('carries media over IPv6, and from an IPv6 wildcard to IPv4', async () => {
    const engine = newEngine({ bindAddress6: '::', advertisedAddress: '127.0.0.1' });
    const six = newEngine({ bindAddress: '::1' });
    const [four, dual, loopback] = [await engine.open({ family: 4 }), await engine.open({ family: 6 }), await six.open()];
    expect(loopback.local.address).toBe('::1');
    const remote = (session: MediaSession, address: string): RemoteMedia => remoteAt(session.local.port, { address });
    dual.setRemote(remote(loopback, '0:0:0:0:0:0:0:1'));
    loopback.setRemote(remote(dual, '::1'));
    while ((await loopback.stats()).packetsReceived < 5 || (await dual.stats()).packetsReceived < 5) await delay(20);
    dual.setRemote(remote(four, '127.0.0.1'));
    four.setRemote(remote(dual, '127.0.0.1'));
    const before = (await dual.stats()).packetsReceived;
    while ((await four.stats()).packetsReceived < 5 || (await dual.stats()).packetsReceived < before + 5) await delay(20);
    expect(await four.stats()).toMatchObject({ packetsForeign: 0, packetsLost: 0 });
  });

  it('lives on when nothing listens at the far end, or its address is of another family', async () => {
    const [session, peer] = [await newEngine().open(), await newPeer()];
    const gone = await newEngine().open();
    await gone.close();
    session.setRemote(remoteAt(gone.local.port));
    await delay(150);
    session.setRemote(remoteAt(4000, { address: '2001:db8::1' }));
    await delay(60);
    session.setRemote(remoteAt(peer.port));
    expect(await packetsAt(peer, 3)).toHaveLength(3);
  });
});
