import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg, LadderMessage, TrunkPlan } from '@dialfleet/call';
import { sineWave } from '@dialfleet/media';
import { hearTone, once, startCaller, tonePurityAtBest, type Caller } from './library-caller.js';
import { Softphone } from './softphone.js';

/** Whole cycles in 20 ms: a skipped frame does not shift the phase. */
const [THEIR_TONE_HZ, OUR_TONE_HZ] = [600, 450];
const PURE = 0.8;

jest.setTimeout(30_000);

let folder: string;
let caller: Caller;
let phone: Softphone;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dialfleet-baresip-'));
  phone = await Softphone.start({ folder, toneHz: THEIR_TONE_HZ });
  caller = await startCaller('udp');
});
afterEach(async () => {
  await caller?.stop();
  await phone?.stop();
  if (folder) await rm(folder, { recursive: true });
});

describe('baresip', () => {
  it('answers with a WAV, hears us, takes DTMF, and hangs up', async () => {
    const leg = caller.sip.createCall({ trunk: { host: '127.0.0.1', port: phone.port, transport: 'udp', codecs: ['PCMA', 'PCMU'] }, dialUser: 'phone', fromNumber: '+14155550100' });
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    leg.audioOut.play('tone', sineWave({ frequencyHz: OUR_TONE_HZ, durationMs: 1_500 }));
    leg.audioOut.endOf('tone');
    const played = once(leg, 'played');
    expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
    await played;
    await leg.sendDtmf('5#');
    await phone.wrote("received event: '5' (end=1)");
    await phone.wrote("received event: '#' (end=1)");
    const hungUp = once(leg, 'hungUp');
    await phone.command('hangup');
    await hungUp;
    expect((await leg.close()).packetsReceived).toBeGreaterThan(40);
    expect(caller.sip.stats()).toMatchObject({ legs: 0, dialogs: 0 });
    await phone.stop();
    expect(tonePurityAtBest(await phone.heard(), OUR_TONE_HZ)).toBeGreaterThan(PURE);
  });

  it('calls us', async () => {
    const taken = new Promise<CallLeg>((resolve) => {
      caller.sip.onInvite(async (call) => {
        resolve(call.leg);
        await call.answer();
      });
    });
    await phone.command('dial', `sip:bot@127.0.0.1:${caller.sip.port}`);
    const leg = await taken;
    expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
    const hungUp = once(leg, 'hungUp');
    await phone.command('hangup');
    await hungUp;
    await leg.close();
  });

  const answered = async (trunk: Partial<TrunkPlan> = {}): Promise<CallLeg> => {
    const leg = caller.sip.createCall({ trunk: { host: '127.0.0.1', port: phone.port, transport: 'udp', codecs: ['PCMA', 'PCMU'], ...trunk }, dialUser: 'phone', fromNumber: '+14155550100' });
    const taken = once(leg, 'answered');
    await leg.start();
    await taken;
    return leg;
  };

  it('holds us and takes us back', async () => {
    const leg = await answered();
    const messages: LadderMessage[] = [];
    leg.events.on('ladder', (batch) => messages.push(...batch.messages));
    await phone.command('hold');
    await new Promise((resolve) => { setTimeout(resolve, 400); });
    await phone.command('resume');
    expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
    leg.hangUp();
    await once(leg, 'released');
    await leg.close();
    const directions = messages.flatMap(({ direction, sdp }) => (sdp === undefined ? [] : [`${direction} ${/a=(sendrecv|sendonly|recvonly|inactive)/.exec(sdp)?.[1]}`]));
    expect(directions).toEqual(['received sendonly', 'sent recvonly', 'received sendrecv', 'sent sendrecv']);
  });

  it('is referred to somebody else, calls them, and tells us', async () => {
    const calledBy: string[] = [];
    const target = await startCaller('udp');
    try {
      target.sip.onInvite(async (call) => {
        calledBy.push(call.toUser);
        await call.answer();
      });
      // A trunk whose numbers live at another host than its proxy: there the phone looks for the colleague.
      const leg = await answered({ port: target.sip.port, outboundProxy: `127.0.0.1:${phone.port}` });
      const progress: number[] = [];
      expect(await leg.transfer?.('colleague', (status) => progress.push(status))).toEqual({ ok: true });
      expect([calledBy, progress.at(-1)]).toEqual([['colleague'], 200]);
      leg.hangUp();
      await once(leg, 'released');
      await leg.close();
    } finally { await target.stop(); }
  });

  it('refers us, and is refused', async () => {
    const leg = await answered();
    let asked = 0;
    leg.events.on('referred', () => { asked++; });
    await phone.command('transfer', 'sip:colleague@127.0.0.1');
    await phone.wrote('603');
    expect(asked).toBe(0);
    leg.hangUp();
    await once(leg, 'released');
    await leg.close();
  });
});
