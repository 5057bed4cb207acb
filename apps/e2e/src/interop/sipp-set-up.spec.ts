import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg, LegEvents, TrunkPlan } from '@dialfleet/call';
import { silentLogger, sleep, systemClock, type Clock } from '@dialfleet/kit';
import { sineWave } from '@dialfleet/media';
import { RtpEngine, SipEndpoint } from '@dialfleet/telephony';
import type { ExternalProgram } from '../harness/external-program.js';
import { hearTone, once } from './library-caller.js';
import { allSatisfied, hurriedClock, startSipp } from './sipp-run.js';

jest.setTimeout(30_000);

let folder: string;
let sip: SipEndpoint;
let media: RtpEngine;
/** Where the trunk's servers are: one run of SIPp each. */
let servers: number[] = [];
const programs: ExternalProgram[] = [];

async function ourSide(clock: Clock): Promise<void> {
  media = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
  sip = await SipEndpoint.start({
    transport: 'udp', bindAddress: '127.0.0.1', port: 0, userAgent: 'dialfleet-interop', media, clock, logger: silentLogger,
    locator: {
      // A name that a redirection gives a port for is that server; the trunk's own name is all of them.
      locate: ({ host, port, transport }) => Promise.resolve((port === undefined ? servers : [port]).map((server) => ({ transport, address: '127.0.0.1', port: server, hostname: host }))),
      failed: () => undefined,
    },
  });
}

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'dialfleet-sipp-')); });
afterEach(async () => {
  await sip?.stop();
  await media?.close();
  await Promise.all(programs.splice(0).map((program) => program.stop()));
  servers = [];
  await rm(folder, { recursive: true });
});

/** One call of a scenario, beside those that run already. */
async function start(scenario: string, extra: readonly string[] = [], port?: number): Promise<number> {
  const { program, port: own } = await startSipp(scenario, { folder, port, extra });
  programs.push(program);
  await bound(own);
  return own;
}

/** A datagram before the socket is there would be lost, and its repetition is not what is tested here. */
async function bound(port: number): Promise<void> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (let tries = 0; tries < 200 && !(await readFile('/proc/net/udp', 'utf8').catch(() => local)).includes(local); tries++) await sleep(systemClock, 20);
}

/** The trunk's servers, each with its scenario. */
async function serve(...scenarios: string[]): Promise<void> {
  for (const scenario of scenarios) servers.push(await start(scenario));
}

const dial = (trunk: Partial<TrunkPlan> = {}, displayName?: string): CallLeg => sip.createCall({
  trunk: { host: 'trunk.example', transport: 'udp', codecs: ['PCMU', 'PCMA'], ...trunk }, dialUser: '+14155550123', fromNumber: '+14155550100', ...(displayName === undefined ? {} : { displayName }),
});

/** What the leg reports first of these. */
async function result<K extends keyof LegEvents>(leg: CallLeg, event: K): Promise<LegEvents[K]> {
  const told = once(leg, event);
  await leg.start();
  return told;
}

async function hangUp(leg: CallLeg): Promise<LegEvents['released']> {
  const released = once(leg, 'released');
  leg.hangUp();
  return released;
}

/** Every SIPp saw all that its scenario wants, and nothing is left here. */
async function finished(leg: CallLeg): Promise<void> {
  await allSatisfied(programs, folder);
  await leg.close();
  expect(sip.stats()).toMatchObject({ legs: 0, messagesFailed: 0 });
}

describe('sipp as servers of a trunk', () => {
  it('the first is out of order, the second answers', async () => {
    await ourSide(systemClock);
    await serve('unavailable', 'answer');
    const leg = dial();
    expect(await result(leg, 'answered')).toEqual({ sipStatus: 200 });
    await hangUp(leg);
    await finished(leg);
  });

  it.each(['wakes-late', 'answers-late'])('the first %s, when the second has the call already', async (late) => {
    await ourSide(hurriedClock);
    await serve(late, 'answer');
    const leg = dial();
    expect(await result(leg, 'answered')).toEqual({ sipStatus: 200 });
    await programs[0].exited;
    await hangUp(leg);
    await finished(leg);
  });

  it('both are out of order: the reason names them', async () => {
    await ourSide(systemClock);
    await serve('unavailable', 'unavailable');
    const leg = dial();
    const failed = await result(leg, 'failed');
    expect(failed.sipStatus).toBe(503);
    for (const port of servers) expect(failed.reason).toContain(`127.0.0.1:${port} over UDP answered 503`);
    await finished(leg);
  });

  it('the first redirects to an allowed host, and not to one that is not', async () => {
    await ourSide(systemClock);
    const other = await start('answer');
    servers.push(await start('redirects', ['-key', 'other', `backup.example:${other}`]));
    const leg = dial({ redirectHosts: ['backup.example'] });
    expect(await result(leg, 'answered')).toEqual({ sipStatus: 200 });
    await hangUp(leg);
    await finished(leg);
  });

  it('the first redirects to hosts that are not allowed: the call goes nowhere', async () => {
    await ourSide(systemClock);
    servers.push(await start('redirects', ['-key', 'other', 'elsewhere.example']));
    const leg = dial();
    expect(await result(leg, 'failed')).toMatchObject({ sipStatus: 302, reason: expect.stringMatching(/203\.0\.113\.7, elsewhere\.example/) });
    await finished(leg);
  });
});

describe('sipp as a callee', () => {
  beforeEach(() => ourSide(systemClock));

  it('forks three ways and answers twice', async () => {
    await serve('forks');
    const leg = dial();
    const provisional: string[] = [];
    leg.events.on('provisional', ({ sipStatus, earlyMedia }) => provisional.push(`${sipStatus} ${earlyMedia}`));
    await result(leg, 'answered');
    await sleep(systemClock, 300);
    await hangUp(leg);
    expect(provisional).toEqual(['180 false', '183 true']);
    await finished(leg);
  });

  it('rings reliably, with the answer in its 183', async () => {
    await serve('reliable');
    const leg = dial();
    const provisional: string[] = [];
    leg.events.on('provisional', ({ sipStatus, earlyMedia }) => provisional.push(`${sipStatus} ${earlyMedia}`));
    await result(leg, 'answered');
    await hangUp(leg);
    expect(provisional).toEqual(['183 true', '180 false']);
    await finished(leg);
  });

  it.each(['stale-nonce', 'proxy-then-server'])('asks for credentials: %s', async (scenario) => {
    await serve(scenario);
    const leg = dial({ username: 'bot', password: 'secret' });
    expect(await result(leg, 'answered')).toEqual({ sipStatus: 200 });
    expect(await hangUp(leg)).toEqual({ sipStatus: 200 });
    await finished(leg);
  });

  it('checks who calls, and over which proxy', async () => {
    const port = await start('checks-caller');
    const leg = dial({ outboundProxy: `127.0.0.1:${port}`, identityHeader: 'p_asserted_identity', privacy: true, fromDomain: 'bots.example', reliableProvisional: 'required' }, 'Front desk');
    expect(await result(leg, 'failed')).toMatchObject({ sipStatus: 486 });
    await finished(leg);
  });

  it('plays an announcement, and then refuses: heard, and no answer', async () => {
    servers.push(await start('early-then-refuses', ['-rtp_echo']));
    const leg = dial();
    leg.audioOut.play('tone', sineWave({ frequencyHz: 450, durationMs: 4_000 }));
    const heard = hearTone(leg, 450, 0.9);
    const file = join(folder, 'early.wav');
    leg.events.on('provisional', ({ earlyMedia }) => { if (earlyMedia) void leg.record(file); });
    let answered = false;
    leg.events.on('answered', () => { answered = true; });
    expect(await result(leg, 'failed')).toMatchObject({ sipStatus: 404 });
    expect([await heard > 0.9, answered]).toEqual([true, false]);
    await finished(leg);
    expect((await readFile(file)).length).toBeGreaterThan(32_000);
  });

  it('answers when we cancel', async () => {
    await serve('answers-at-cancel');
    const leg = dial();
    await result(leg, 'provisional');
    expect(await hangUp(leg)).toEqual({ sipStatus: 200 });
    await finished(leg);
  });

  it('is slow to say anything: our CANCEL waits for it', async () => {
    await serve('slow-to-try');
    const leg = dial();
    await leg.start();
    expect(await hangUp(leg)).toEqual({ sipStatus: 487 });
    await finished(leg);
  });
});

describe('sipp as a caller', () => {
  it('requires reliable provisional responses', async () => {
    await ourSide(systemClock);
    let callee: CallLeg | undefined;
    let hungUp: Promise<unknown> | undefined;
    sip.onInvite(async (call) => {
      callee = call.leg;
      hungUp = once(call.leg, 'hungUp');
      await call.earlyMedia();
      await call.answer();
    });
    await start('caller-reliable', ['-s', '+14155550199', `127.0.0.1:${sip.port}`]);
    expect([await programs[0].exited, programs[0].output.slice(-400)]).toEqual([0, expect.any(String)]);
    await hungUp;
    await finished(callee as CallLeg);
  });
});
