import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg } from '@dialfleet/call';
import { sineWave } from '@dialfleet/media';
import type { ExternalProgram } from '../harness/external-program.js';
import { hearTone, once, startCaller, type Caller } from './library-caller.js';
import { allSatisfied, startSipp } from './sipp-run.js';

/** Whole cycles in 20 ms: a skipped frame does not shift the phase. */
const TONE_HZ = 450;
/** Over loopback an echoed tone comes back nearly pure; a gap or another source would not. */
const PURE = 0.9;

jest.setTimeout(30_000);

let folder: string;
let caller: Caller;
let sipp: ExternalProgram | undefined;

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'dialfleet-sipp-')); });
afterEach(async () => {
  await caller?.stop();
  await sipp?.stop();
  await rm(folder, { recursive: true });
});

/** One call of a scenario, which listens already where that can be seen. */
async function start(scenario: string, transport: 'udp' | 'tcp', extra: readonly string[] = []): Promise<number> {
  const { program, port } = await startSipp(scenario, { folder, transport, extra });
  sipp = program;
  if (transport === 'tcp') await listening(port);
  return port;
}

async function listening(port: number): Promise<void> {
  if (sipp?.ended) throw new Error(`sipp did not start: ${sipp.output}`);
  const open = await new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  });
  if (!open) { await new Promise((resolve) => { setTimeout(resolve, 50); }); await listening(port); }
}

const finished = (): Promise<void> => allSatisfied(sipp ? [sipp] : [], folder);

const dial = (port: number, transport: 'udp' | 'tcp', credentials: { username?: string; password?: string } = {}): CallLeg =>
  caller.sip.createCall({ trunk: { host: '127.0.0.1', port, transport, codecs: ['PCMU', 'PCMA'], ...credentials }, dialUser: '+14155550123', fromNumber: '+14155550100' });

describe.each(['udp', 'tcp'] as const)('sipp over %s', (transport) => {
  beforeEach(async () => { caller = await startCaller(transport); });

  it('answers and echoes our voice; we hang up', async () => {
    const leg = dial(await start('answer', transport, ['-rtp_echo']), transport);
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    leg.audioOut.play('tone', sineWave({ frequencyHz: TONE_HZ, durationMs: 5_000 }));
    leg.audioOut.endOf('tone');
    expect(await hearTone(leg, TONE_HZ, PURE)).toBeGreaterThan(PURE);
    leg.hangUp();
    expect(await once(leg, 'released')).toEqual({ sipStatus: 200 });
    expect((await leg.close()).packetsReceived).toBeGreaterThan(15);
    await finished();
  });

  it('is busy', async () => {
    const leg = dial(await start('busy', transport), transport);
    const failed = once(leg, 'failed');
    await leg.start();
    expect(await failed).toEqual({ sipStatus: 486, reason: 'Busy Here' });
    await leg.close();
    await finished();
  });

  it('does not answer: we cancel', async () => {
    const leg = dial(await start('no-answer', transport), transport);
    const statuses = new Set<number>();
    const ringing = new Promise<void>((resolve) => { leg.events.on('provisional', ({ sipStatus }) => { statuses.add(sipStatus); if (sipStatus === 180) resolve(); }); });
    await leg.start();
    await ringing;
    leg.hangUp();
    expect(await once(leg, 'released')).toEqual({ sipStatus: 487 });
    expect([...statuses]).toEqual([100, 180]);
    await leg.close();
    await finished();
  });

  it('hangs up on us', async () => {
    const leg = dial(await start('callee-hangs-up', transport), transport);
    const [answered, hungUp] = [once(leg, 'answered'), once(leg, 'hungUp')];
    await leg.start();
    await answered;
    await hungUp;
    await leg.close();
    await finished();
  });

  it('calls us', async () => {
    const heard: string[] = [];
    let hungUp: Promise<unknown> | undefined;
    caller.sip.onInvite(async (call) => {
      heard.push(call.toUser, call.fromUser);
      hungUp = once(call.leg, 'hungUp').then(() => call.leg.close());
      call.ring();
      await call.answer();
    });
    await start('caller', transport, ['-s', '+14155550199', `127.0.0.1:${caller.sip.port}`]);
    await finished();
    await hungUp;
    expect(heard).toEqual(['+14155550199', '+15550001']);
    expect(caller.sip.stats()).toMatchObject({ legs: 0, dialogs: 0 });
  });
});

describe('sipp as a carrier over udp', () => {
  beforeEach(async () => { caller = await startCaller('udp'); });

  it('challenges with MD5 and verifies the answer', async () => {
    const leg = dial(await start('digest-md5', 'udp'), 'udp', { username: 'bot', password: 'secret' });
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    leg.hangUp();
    await once(leg, 'released');
    await leg.close();
    await finished();
  });

  it('refuses a wrong password', async () => {
    const leg = dial(await start('digest-md5', 'udp'), 'udp', { username: 'bot', password: 'guess' });
    const failed = once(leg, 'failed');
    await leg.start();
    expect(await failed).toMatchObject({ sipStatus: 403 });
    await leg.close();
    await finished();
  });

  it('challenges with SHA-256', async () => {
    const port = await start('digest-sha256', 'udp');
    const leg = dial(port, 'udp', { username: 'bot', password: 'secret' });
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    leg.hangUp();
    await once(leg, 'released');
    await leg.close();
    await finished();
    const log = (await readdir(folder)).find((name) => name.endsWith('_logs.log')) ?? '';
    const header = await readFile(join(folder, log), 'utf8');
    const part = (name: string): string => new RegExp(`${name}="?([^",\\s]+)`).exec(header)?.[1] ?? '';
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(part('response')).toBe(hash(`${hash('bot:carrier:secret')}:n0nce47:${part('nc')}:${part('cnonce')}:auth:${hash(`INVITE:sip:+14155550123@127.0.0.1:${port}`)}`));
  });

  it('plays early media before the answer', async () => {
    const leg = dial(await start('early-media', 'udp', ['-rtp_echo']), 'udp');
    leg.audioOut.play('tone', sineWave({ frequencyHz: TONE_HZ, durationMs: 6_000 }));
    const events = new Set<string>();
    leg.events.on('provisional', ({ sipStatus, earlyMedia }) => events.add(`${sipStatus} ${earlyMedia}`));
    leg.events.on('answered', () => events.add('answered'));
    const [early, answered] = [hearTone(leg, TONE_HZ, PURE), once(leg, 'answered')];
    await leg.start();
    expect(await early).toBeGreaterThan(PURE);
    expect([...events]).toEqual(['183 true']);
    await answered;
    leg.hangUp();
    await once(leg, 'released');
    await leg.close();
    await finished();
  });
});
