import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg, TrunkPlan } from '@dialfleet/call';
import { sineWave } from '@dialfleet/media';
import { hearTone, once, startCaller, tonePurityAtBest, type Caller } from './library-caller.js';
import { Softphone, type SoftphoneOptions } from './softphone.js';

const [THEIR_TONE_HZ, OUR_TONE_HZ] = [600, 450];
const PURE = 0.8;

jest.setTimeout(30_000);

let folder: string;
let caller: Caller;
let phone: Softphone;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dialfleet-baresip-'));
  caller = await startCaller('udp');
});
afterEach(async () => {
  await caller?.stop();
  await phone?.stop();
  await rm(folder, { recursive: true });
});

async function call({ outboundProxy, ...trunk }: Pick<TrunkPlan, 'codecs' | 'port'> & { outboundProxy?: () => string }, softphone: Partial<SoftphoneOptions>): Promise<CallLeg> {
  phone = await Softphone.start({ folder, toneHz: THEIR_TONE_HZ, ...softphone });
  const leg = caller.sip.createCall({ trunk: { host: '127.0.0.1', port: phone.port, transport: 'udp', outboundProxy: outboundProxy?.(), ...trunk }, dialUser: 'phone', fromNumber: '+14155550100' });
  const answered = Promise.race([once(leg, 'answered'), once(leg, 'failed').then(({ sipStatus, reason }) => { throw new Error(`${sipStatus} ${reason}`); })]);
  await leg.start();
  await answered;
  return leg;
}

/** Both sides hear the other's tone. */
async function talk(leg: CallLeg): Promise<void> {
  leg.audioOut.play('tone', sineWave({ frequencyHz: OUR_TONE_HZ, durationMs: 2_000 }));
  leg.audioOut.endOf('tone');
  const played = once(leg, 'played');
  expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
  await played;
}

async function hungUpByPhone(leg: CallLeg): Promise<void> {
  const hungUp = once(leg, 'hungUp');
  await phone.command('hangup');
  await hungUp;
}

describe.each([
  ['G722', { codecs: 'G722/16000/1', codecModules: ['g722'] }],
  ['opus', { codecs: 'opus/48000/2', codecModules: ['opus'] }],
  ['PCMA', { codecs: 'PCMA/8000/1', codecModules: ['g711'] }],
] as const)('baresip with %s', (codec, softphone) => {
  it('hears us and is heard', async () => {
    const leg = await call({ codecs: [codec] }, softphone);
    await talk(leg);
    await hungUpByPhone(leg);
    expect(await leg.close()).toMatchObject({ codec });
    await phone.stop();
    expect(tonePurityAtBest(await phone.heard(), OUR_TONE_HZ)).toBeGreaterThan(PURE);
  });
});

describe('baresip in the call', () => {
  it('holds and resumes', async () => {
    const leg = await call({ codecs: ['PCMU'] }, {});
    await talk(leg);
    await phone.command('hold');
    await phone.command('resume');
    expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
    leg.hangUp();
    expect(await once(leg, 'released')).toEqual({ sipStatus: 200 });
    await leg.close();
  });

  it('takes a transfer: it calls whom we name, and we are out', async () => {
    const other = await startCaller('udp');
    try {
      const called = new Promise<string>((resolve) => { other.sip.onInvite(async (incoming) => { resolve(incoming.toUser); await incoming.answer(); }); });
      // The phone stands where an outbound proxy would: the trunk's own host is where it is sent to.
      const leg = await call({ codecs: ['PCMU'], port: other.sip.port, outboundProxy: () => `127.0.0.1:${phone.port}` }, {});
      await talk(leg);
      const outcome = await leg.transfer?.('agent');
      expect(outcome).toEqual({ ok: true });
      expect(await called).toBe('agent');
      await leg.close();
    } finally { await other.sip.stop(); await other.media.close(); }
  });
});
