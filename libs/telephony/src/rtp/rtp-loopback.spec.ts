import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { parseWav, rmsLevel, sineWave, toneAmplitude, tonePurity } from '@dialfleet/media';
import type { MediaEvents, MediaFactory, MediaSession, RemoteMedia } from '../media-session.js';
import { MediaThread } from './media-thread-client.js';
import { RtpEngine } from './rtp-engine.js';

type Factory = MediaFactory & { close(): Promise<void> };

const options = { bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger, firstPacketTimeoutMs: 300, mediaTimeoutMs: 200, portRestMs: 200 };
const workerUrl = new URL('../../dist/rtp/media.worker.js', import.meta.url);
const workspace = fileURLToPath(new URL('../../../../', import.meta.url));

const formats = { PCMU: { name: 'PCMU', payloadType: 0, clockRateHz: 8000 }, PCMA: { name: 'PCMA', payloadType: 8, clockRateHz: 8000 } };
type FormatName = keyof typeof formats;

const remoteOf = (session: MediaSession, codec: FormatName = 'PCMU'): RemoteMedia =>
  ({ ...session.local, codec: formats[codec], telephoneEvent: { payloadType: 101, clockRateHz: 8000 }, direction: 'sendrecv' });

const next = <K extends keyof MediaEvents>(session: MediaSession, event: K, wanted: (payload: MediaEvents[K]) => boolean = () => true): Promise<MediaEvents[K]> =>
  new Promise((resolve) => {
    const stop = session.events.on(event, (payload) => {
      if (!wanted(payload)) return;
      stop();
      resolve(payload);
    });
  });

/** The voice heard from now on until `done` resolves. */
async function hear(session: MediaSession, done: Promise<unknown>): Promise<{ pcm: Int16Array; offsetsMs: number[] }> {
  const frames: Int16Array[] = [];
  const offsetsMs: number[] = [];
  const stop = session.events.on('audio', ({ pcm, offsetMs }) => { frames.push(pcm); offsetsMs.push(offsetMs); });
  await done;
  stop();
  return { pcm: Int16Array.from(frames.flatMap((frame) => [...frame])), offsetsMs };
}

const tone = (frequencyHz: number, durationMs: number): Int16Array => sineWave({ frequencyHz, durationMs });

function say(session: MediaSession, tag: string, pcm: Int16Array): Promise<unknown> {
  session.play(tag, pcm);
  session.endOf(tag);
  return next(session, 'played', (played) => played.tag === tag);
}

/** Until audio has come for `frames` periods: time as the session itself keeps it. */
async function frames(session: MediaSession, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await next(session, 'audio');
}

beforeAll(() => {
  // The thread runs compiled code; up to date already in a whole build.
  spawnSync(process.execPath, [join(workspace, 'node_modules/ts7/bin/tsc'), '-b', 'libs/telephony'], { cwd: workspace });
  expect(existsSync(workerUrl)).toBe(true);
}, 120_000);

describe.each<[string, () => Promise<Factory>]>([
  ['RtpEngine in this thread', () => Promise.resolve(new RtpEngine(options))],
  ['MediaThread', () => MediaThread.start({ ...options, workerUrl })],
])('%s over loopback', (_name, start) => {
  let factory: Factory;
  let folder: string;
  let open: MediaSession[] = [];

  const openSession = async (): Promise<MediaSession> => {
    const session = await factory.open();
    open.push(session);
    return session;
  };
  const openPair = async (codec: FormatName = 'PCMU'): Promise<[MediaSession, MediaSession]> => {
    const [a, b] = [await openSession(), await openSession()];
    a.setRemote(remoteOf(b, codec));
    b.setRemote(remoteOf(a, codec));
    return [a, b];
  };

  beforeAll(async () => {
    factory = await start();
    folder = await mkdtemp(join(tmpdir(), 'rtp-loopback-'));
  });
  afterEach(async () => {
    await Promise.all(open.map((session) => session.close()));
    open = [];
  });
  afterAll(async () => {
    await factory.close();
    await rm(folder, { recursive: true });
  });

  it('opens sessions on even ports, RTCP above', async () => {
    const sessions = await Promise.all(Array.from({ length: 10 }, openSession));
    const ports = sessions.map((session) => session.local.port);
    expect(ports.every((port) => port % 2 === 0)).toBe(true);
    expect(new Set(ports).size).toBe(10);
    const rtcp = createSocket('udp4');
    const refused = await new Promise((resolve) => { rtcp.once('error', resolve); rtcp.bind(ports[0] + 1, '127.0.0.1', () => resolve(null)); });
    expect(refused).toMatchObject({ code: 'EADDRINUSE' });
    rtcp.close();
  });

  it.each(['PCMU', 'PCMA'] as const)('carries a tone each way at once over %s, on an unbroken time axis', async (codec) => {
    const [a, b] = await openPair(codec);
    await Promise.all([frames(a, 3), frames(b, 3)]);
    const both = Promise.all([say(a, 'a', tone(700, 1000)), say(b, 'b', tone(1100, 1000))]).then(() => Promise.all([frames(a, 6), frames(b, 6)]));
    const [atA, atB] = await Promise.all([hear(a, both), hear(b, both)]);
    for (const [heard, ownHz, otherHz] of [[atB, 700, 1100], [atA, 1100, 700]] as const) {
      const middle = heard.pcm.subarray(2400, 6400);
      expect(tonePurity(middle, ownHz)).toBeGreaterThan(0.95);
      expect(toneAmplitude(middle, otherHz)).toBeLessThan(100);
      expect(heard.offsetsMs.slice(1).every((offset, i) => (offset - heard.offsetsMs[i]) % 20 === 0 && offset > heard.offsetsMs[i])).toBe(true);
    }
    const stats = await a.stats();
    expect(stats.packetsReceived).toBeGreaterThan(50);
    expect(stats).toMatchObject({ packetsForeign: 0, packetsLost: 0 });
  });

  it('carries a tone each way over SRTP', async () => {
    const [a, b] = [await openSession(), await openSession()];
    const [keyA, keyB] = ['A', 'B'].map((letter) => letter.repeat(40));
    const suite = 'AES_CM_128_HMAC_SHA1_32';
    a.setRemote({ ...remoteOf(b), srtp: { suite, sendKey: keyA, receiveKey: keyB } });
    b.setRemote({ ...remoteOf(a), srtp: { suite, sendKey: keyB, receiveKey: keyA } });
    await Promise.all([frames(a, 3), frames(b, 3)]);
    const { pcm } = await hear(b, say(a, 'a', tone(700, 600)).then(() => frames(b, 6)));
    expect(tonePurity(pcm.subarray(1600, 4000), 700)).toBeGreaterThan(0.95);
    expect(await b.stats()).toMatchObject({ srtp: true, packetsUnauthentic: 0, packetsLost: 0, codec: 'PCMU' });
  });

  it('lives on with an order that cannot be carried out', async () => {
    const [a, b] = await openPair();
    try { a.setRemote({ ...remoteOf(b), srtp: { suite: 'AES_CM_128_HMAC_SHA1_80', sendKey: 'short', receiveKey: 'short' } }); } catch (error) { expect(error).toBeInstanceOf(RangeError); }
    await frames(b, 3);
    expect((await a.stats()).srtp).toBe(false);
  });

  it('tells what was heard of an interrupted utterance, and holds it while paused', async () => {
    const [a, b] = await openPair();
    await frames(b, 3);
    a.play('long', tone(700, 5000));
    a.play('never', tone(700, 1000));
    a.endOf('long');
    await frames(b, 20);
    a.pause();
    await frames(b, 10);
    const { pcm } = await hear(b, frames(b, 5));
    expect(rmsLevel(pcm)).toBe(0);
    a.resume();
    await frames(b, 5);
    const sent = await a.clear();
    expect(sent.long).toBeGreaterThanOrEqual(22 * 160);
    expect(sent.long).toBeLessThan(40_000);
    expect(sent.long % 160).toBe(0);
    expect(sent.never).toBe(0);
    await frames(b, 6);
    expect(rmsLevel((await hear(b, frames(b, 3))).pcm)).toBe(0);
  });

  it('tells when an utterance begins to be heard: once, when its turn has come, before its end', async () => {
    const [a, b] = await openPair();
    await frames(b, 3);
    const told: string[] = [];
    const offsetsMs: number[] = [];
    a.events.on('playing', ({ tag, offsetMs }) => { told.push(`playing ${tag}`); offsetsMs.push(offsetMs); });
    a.events.on('played', ({ tag, offsetMs }) => { told.push(`played ${tag}`); offsetsMs.push(offsetMs); });
    a.play('first', tone(700, 100));
    a.endOf('first');
    a.endOf('without audio');
    await say(a, 'second', tone(700, 60));
    expect(told).toEqual(['playing first', 'played first', 'played without audio', 'playing second', 'played second']);
    // A stalled machine skips periods, so these are the least.
    [0, 80, 80, 100, 140].forEach((leastMs, i) => expect(offsetsMs[i] - offsetsMs[0]).toBeGreaterThanOrEqual(leastMs));
  });

  it('sends digits both ways, each once, among silence', async () => {
    const [a, b] = await openPair();
    const heard = { a: '', b: '' };
    a.events.on('dtmf', ({ digit }) => { heard.a += digit; });
    b.events.on('dtmf', ({ digit }) => { heard.b += digit; });
    await Promise.all([a.sendDtmf('1#'), b.sendDtmf('*D'), a.sendDtmf('11')]);
    await frames(a, 3);
    expect(heard).toEqual({ a: '*D', b: '1#11' });
  });

  it('refuses digits that cannot be sent', async () => {
    const [a, b] = await openPair();
    await expect(a.sendDtmf('12x')).rejects.toThrow('DTMF digits');
    a.setRemote({ ...remoteOf(b), telephoneEvent: undefined });
    await expect(a.sendDtmf('1')).rejects.toThrow('not negotiated');
    await expect(a.sendDtmf('')).rejects.toThrow('not negotiated');
    a.setRemote(remoteOf(b));
    const cutOff = expect(a.sendDtmf('0123456789')).rejects.toThrow('closed before');
    await a.close();
    await cutOff;
  });

  it('records the customer left and the bot right, playable at any moment', async () => {
    const [bot, customer] = await openPair();
    const path = join(folder, 'deep', 'call.wav');
    await bot.record(path);
    await expect(bot.record(path)).rejects.toThrow('recorded already');
    await Promise.all([say(bot, 'bot', tone(700, 2000)), say(customer, 'customer', tone(1100, 2000))]);
    // A kill −9 leaves exactly what a copy sees now.
    const crashed = join(folder, 'crashed.wav');
    await copyFile(path, crashed);
    await frames(bot, 5);
    await bot.close();
    for (const [file, minSamples] of [[crashed, 8000], [path, 16_000]] as const) {
      const { sampleRateHz, channels: [left, right] } = parseWav(await readFile(file));
      expect(sampleRateHz).toBe(8000);
      expect(left.length).toBeGreaterThanOrEqual(minSamples);
      for (const [track, ownHz, otherHz] of [[left, 1100, 700], [right, 700, 1100]] as const) {
        const middle = track.subarray(2400, 7200);
        expect(tonePurity(middle, ownHz)).toBeGreaterThan(0.95);
        expect(toneAmplitude(middle, otherHz)).toBeLessThan(100);
      }
    }
  });

  it('rejects a recording that cannot be written', async () => {
    const session = await openSession();
    await expect(session.record(join(workspace, 'package.json', 'call.wav'))).rejects.toThrow();
  });

  it('reports the first packet, and silence only while media is expected', async () => {
    const [a, b] = await openPair();
    await expect(next(a, 'firstPacket')).resolves.toEqual({ offsetMs: expect.any(Number) });
    a.expectMedia(true);
    const lost = next(a, 'timeout');
    await b.close();
    expect((await lost).silentMs).toBeGreaterThanOrEqual(200);
    const never = await openSession();
    const early = next(never, 'timeout');
    never.expectMedia(true);
    expect((await early).silentMs).toBeGreaterThanOrEqual(300);
  });

  it('closes once and for all, and frees the port', async () => {
    const [a] = await openPair();
    const [first, second] = await Promise.all([a.close(), a.close()]);
    expect(second).toEqual(first);
    await expect(a.stats()).resolves.toEqual(first);
    await expect(a.sendDtmf('1')).rejects.toThrow();
    a.play('late', tone(700, 100));
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => { socket.once('error', reject); socket.bind(a.local.port, '127.0.0.1', resolve); });
    socket.close();
  });
});
