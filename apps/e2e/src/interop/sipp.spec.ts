import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg } from '@dialfleet/call';
import { sineWave } from '@dialfleet/media';
import { ExternalProgram, freePort, requireProgram } from '../harness/external-program.js';
import { hearTone, once, startCaller, type Caller } from './library-caller.js';

const SCENARIOS = fileURLToPath(new URL('../../sipp/', import.meta.url));
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

/** One call of a scenario; the process ends with 0 when the far side did all that the scenario wants. */
async function startSipp(scenario: string, transport: 'udp' | 'tcp', extra: readonly string[] = []): Promise<number> {
  const path = requireProgram('sipp', 'sip-tester');
  const port = await freePort();
  sipp = new ExternalProgram(path, ['-sf', join(SCENARIOS, `${scenario}.xml`), '-i', '127.0.0.1', '-p', String(port), '-mi', '127.0.0.1', '-mp', String(await freePort()),
    '-t', transport === 'udp' ? 'u1' : 't1', '-m', '1', '-nostdin', '-deadcall_wait', '0', '-timeout', '30s', '-timeout_error', '-trace_err', '-trace_logs', ...extra], folder);
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

async function finished(): Promise<void> {
  const code = await sipp?.exited;
  const errors = await Promise.all((await readdir(folder)).filter((name) => name.endsWith('_errors.log')).map((name) => readFile(join(folder, name), 'utf8')));
  expect({ code, errors: code === 0 ? [] : errors }).toEqual({ code: 0, errors: [] });
}

const dial = (port: number, transport: 'udp' | 'tcp', credentials: { username?: string; password?: string } = {}): CallLeg =>
  caller.sip.createCall({ trunk: { host: '127.0.0.1', port, transport, codecs: ['PCMU', 'PCMA'], ...credentials }, dialUser: '+14155550123', fromNumber: '+14155550100' });

describe.each(['udp', 'tcp'] as const)('sipp over %s', (transport) => {
  beforeEach(async () => { caller = await startCaller(transport); });

  it('answers and echoes our voice; we hang up', async () => {
    const leg = dial(await startSipp('answer', transport, ['-rtp_echo']), transport);
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
    const leg = dial(await startSipp('busy', transport), transport);
    const failed = once(leg, 'failed');
    await leg.start();
    expect(await failed).toEqual({ sipStatus: 486, reason: 'Busy Here' });
    await leg.close();
    await finished();
  });

  it('does not answer: we cancel', async () => {
    const leg = dial(await startSipp('no-answer', transport), transport);
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
    const leg = dial(await startSipp('callee-hangs-up', transport), transport);
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
    await startSipp('caller', transport, ['-s', '+14155550199', `127.0.0.1:${caller.sip.port}`]);
    await finished();
    await hungUp;
    expect(heard).toEqual(['+14155550199', '+15550001']);
    expect(caller.sip.stats()).toMatchObject({ legs: 0, dialogs: 0 });
  });
});

describe('sipp as a carrier over udp', () => {
  beforeEach(async () => { caller = await startCaller('udp'); });

  it('challenges with MD5 and verifies the answer', async () => {
    const leg = dial(await startSipp('digest-md5', 'udp'), 'udp', { username: 'bot', password: 'secret' });
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    leg.hangUp();
    await once(leg, 'released');
    await leg.close();
    await finished();
  });

  it('refuses a wrong password', async () => {
    const leg = dial(await startSipp('digest-md5', 'udp'), 'udp', { username: 'bot', password: 'guess' });
    const failed = once(leg, 'failed');
    await leg.start();
    expect(await failed).toMatchObject({ sipStatus: 403 });
    await leg.close();
    await finished();
  });

  it('challenges with SHA-256', async () => {
    const port = await startSipp('digest-sha256', 'udp');
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
    const leg = dial(await startSipp('early-media', 'udp', ['-rtp_echo']), 'udp');
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
