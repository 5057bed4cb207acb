import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg, SipTransportName } from '@dialfleet/call';
import { sineWave } from '@dialfleet/media';
import { Kamailio, type KamailioOptions } from './kamailio-server.js';
import { hearTone, once, startCaller, type Caller } from './library-caller.js';

/** Whole cycles in 20 ms. */
const [THEIR_TONE_HZ, OUR_TONE_HZ] = [600, 450];
const PURE = 0.8;
const PASSWORD = 'secret';

jest.setTimeout(30_000);

let folder: string;
let kamailio: Kamailio | undefined;
let caller: Caller | undefined;
let callee: Caller | undefined;
/** The other side of the call. */
let theirs: CallLeg | undefined;

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'dialfleet-kamailio-')); });
afterEach(async () => {
  await caller?.stop();
  await callee?.stop();
  await kamailio?.stop();
  await rm(folder, { recursive: true });
});

/** A proxy that wants digest, in front of somebody who answers every call with a tone. */
async function startProxy(options: Partial<KamailioOptions> = {}): Promise<Kamailio> {
  callee = await startCaller('udp');
  callee.sip.onInvite(async (call) => {
    theirs = call.leg;
    call.ring();
    await call.answer();
    call.leg.audioOut.play('tone', sineWave({ frequencyHz: THEIR_TONE_HZ, durationMs: 5_000 }));
  });
  kamailio = await Kamailio.start({ folder, upstreamPort: callee.sip.port, password: PASSWORD, ...options });
  return kamailio;
}

async function dialThrough(proxy: Kamailio, transport: SipTransportName, password = PASSWORD): Promise<CallLeg> {
  caller = await startCaller(transport);
  const secure = transport === 'tls' || transport === 'wss';
  return caller.sip.createCall({
    trunk: { host: '127.0.0.1', port: secure ? proxy.tlsPort : proxy.port, transport, codecs: ['PCMU'], username: 'bot', password, ...(secure ? { tls: { ca: proxy.ca } } : {}) },
    dialUser: '+14155550123', fromNumber: '+14155550100',
  });
}

async function answer(leg: CallLeg): Promise<void> {
  const answered = once(leg, 'answered');
  const failed = once(leg, 'failed').then(({ sipStatus, reason }) => { throw new Error(`${sipStatus} ${reason}\n${kamailio?.output}`); });
  const fault = once(leg, 'fault').then(({ detail }) => { throw new Error(`${detail}\n${kamailio?.output}`); });
  await leg.start();
  await Promise.race([answered, failed, fault]);
}

describe.each(['udp', 'tcp', 'tls', 'ws', 'wss'] as const)('kamailio over %s', (transport) => {
  it('challenges, stays in the path, and both sides hear each other; we hang up', async () => {
    const leg = await dialThrough(await startProxy(), transport);
    await answer(leg);
    leg.audioOut.play('tone', sineWave({ frequencyHz: OUR_TONE_HZ, durationMs: 3_000 }));
    const [here, there] = await Promise.all([hearTone(leg, THEIR_TONE_HZ, PURE), hearTone(theirs as CallLeg, OUR_TONE_HZ, PURE)]);
    expect(Math.min(here, there)).toBeGreaterThan(PURE);
    const farEnd = once(theirs as CallLeg, 'hungUp');
    leg.hangUp();
    expect(await once(leg, 'released')).toEqual({ sipStatus: 200 });
    await farEnd;
    await leg.close();
  });

  it('passes on that the other side hangs up', async () => {
    const leg = await dialThrough(await startProxy(), transport);
    await answer(leg);
    const hungUp = once(leg, 'hungUp');
    theirs?.hangUp();
    await hungUp;
    await leg.close();
    expect(caller?.sip.stats()).toMatchObject({ legs: 0, dialogs: 0 });
  });

  it('passes on our CANCEL', async () => {
    const proxy = await startProxy();
    const givenUp = new Promise<void>((resolve) => { callee?.sip.onInvite((call) => { call.leg.events.on('hungUp', () => { resolve(); }); call.ring(); }); });
    const leg = await dialThrough(proxy, transport);
    const ringing = new Promise<void>((resolve) => { leg.events.on('provisional', ({ sipStatus }) => { if (sipStatus === 180) resolve(); }); });
    await leg.start();
    await ringing;
    leg.hangUp();
    expect(await once(leg, 'released')).toEqual({ sipStatus: 487 });
    await givenUp;
    await leg.close();
  });
});

describe('kamailio as a carrier', () => {
  it('is answered in SHA-256 where it asks for that', async () => {
    const leg = await dialThrough(await startProxy({ algorithm: 'SHA-256' }), 'tls');
    await answer(leg);
    leg.hangUp();
    expect(await once(leg, 'released')).toEqual({ sipStatus: 200 });
    await leg.close();
  });

  it('refuses a wrong password, and is not asked without end', async () => {
    const leg = await dialThrough(await startProxy(), 'tcp', 'guess');
    const failed = once(leg, 'failed');
    await leg.start();
    expect((await failed).sipStatus).toBe(407);
    await leg.close();
  });

  it('is not trusted when nobody we know signed its certificate', async () => {
    const proxy = await startProxy();
    caller = await startCaller('tls');
    const leg = caller.sip.createCall({ trunk: { host: '127.0.0.1', port: proxy.tlsPort, transport: 'tls', codecs: ['PCMU'] }, dialUser: '+14155550123', fromNumber: '+14155550100' });
    const ended = Promise.race([once(leg, 'failed').then(({ reason }) => reason), once(leg, 'fault').then(({ detail }) => detail)]);
    await leg.start();
    expect(await ended).toMatch(/certificate|authority/i);
    await leg.close();
  });
});
