import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg, SrtpPolicy } from '@dialfleet/call';
import { sineWave } from '@dialfleet/media';
import { hearTone, once, startCaller, tonePurityAtBest, type Caller } from './library-caller.js';
import { Softphone, type SoftphoneOptions } from './softphone.js';

const [THEIR_TONE_HZ, OUR_TONE_HZ] = [600, 450];
const PURE = 0.8;
/** Both ends report every five seconds or so; the second report has the round trip. */
const REPORTS_WITHIN_MS = 14_000;

jest.setTimeout(40_000);

let folder: string;
let caller: Caller;
let phone: Softphone;

async function start(options: Partial<SoftphoneOptions>): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'dialfleet-baresip-srtp-'));
  phone = await Softphone.start({ folder, toneHz: THEIR_TONE_HZ, ...options });
  caller = await startCaller('udp');
}

const call = (srtp: SrtpPolicy): CallLeg =>
  caller.sip.createCall({ trunk: { host: '127.0.0.1', port: phone.port, transport: 'udp', codecs: ['PCMU'], srtp }, dialUser: 'phone', fromNumber: '+14155550100' });

async function speak(leg: CallLeg): Promise<void> {
  leg.audioOut.play('tone', sineWave({ frequencyHz: OUR_TONE_HZ, durationMs: 1_500 }));
  leg.audioOut.endOf('tone');
  const played = once(leg, 'played');
  expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
  await played;
}

afterEach(async () => {
  await caller?.stop();
  await phone?.stop();
  if (folder) await rm(folder, { recursive: true });
});

describe('baresip with SRTP', () => {
  it.each([
    ['required', 'srtp-mand', true], ['required', 'srtp', true], ['optional', 'srtp', true], ['optional', 'srtp-mand', true], ['optional', undefined, false],
  ] as const)('we %s, it %s', async (ours, mediaEncryption, isProtected) => {
    await start({ mediaEncryption });
    const leg = call(ours);
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    await speak(leg);
    const hungUp = once(leg, 'hungUp');
    await phone.command('hangup');
    await hungUp;
    const stats = await leg.close();
    expect(stats.srtp).toBe(isProtected);
    // Before it has its keys baresip sends a first packet, or a report, in clear.
    expect(stats.packetsUnauthentic).toBeLessThanOrEqual(2);
    await phone.stop();
    expect(tonePurityAtBest(await phone.heard(), OUR_TONE_HZ)).toBeGreaterThan(PURE);
  });

  it('is not talked to in clear by a trunk that requires SRTP', async () => {
    await start({});
    const leg = call('required');
    const failed = once(leg, 'failed');
    await leg.start();
    expect((await failed).sipStatus).toBe(488);
    await leg.close();
  });

  it('calls us, and its reports tell the round trip', async () => {
    await start({ mediaEncryption: 'srtp-mand' });
    const taken = new Promise<CallLeg>((resolve) => {
      caller.sip.onInvite(async (incoming) => {
        incoming.obey({ srtp: 'required' });
        resolve(incoming.leg);
        await incoming.answer();
      });
    });
    await phone.command('dial', `sip:bot@127.0.0.1:${caller.sip.port}`);
    const leg = await taken;
    expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
    await new Promise((resolve) => { setTimeout(resolve, REPORTS_WITHIN_MS); });
    leg.hangUp();
    await once(leg, 'released');
    const stats = await leg.close();
    expect(stats).toMatchObject({ srtp: true, packetsForeign: 0, remotePacketsLost: 0 });
    expect(stats.packetsUnauthentic).toBeLessThanOrEqual(2);
    expect(stats.roundTripMs).toBeLessThan(50);
    expect(stats.mos).toBeGreaterThan(4);
  });
});
