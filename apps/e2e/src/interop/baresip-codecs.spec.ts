import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg, CodecName } from '@dialfleet/call';
import { sineWave } from '@dialfleet/media';
import { hearTone, once, startCaller, tonePurityAtBest, type Caller } from './library-caller.js';
import { Softphone } from './softphone.js';

const [THEIR_TONE_HZ, OUR_TONE_HZ] = [600, 450];
const PURE = 0.8;

jest.setTimeout(30_000);

let folder: string;
let caller: Caller;
let phone: Softphone | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dialfleet-baresip-'));
  caller = await startCaller('udp', ['opus', 'G722', 'PCMU']);
});
afterEach(async () => {
  await caller?.stop();
  await phone?.stop();
  if (folder) await rm(folder, { recursive: true });
});

describe.each<[CodecName, string, string]>([['opus', 'opus/48000/2', 'opus'], ['G722', 'G722/16000/1', 'g722']])('baresip with %s', (codec, audioCodec, module) => {
  it.each([20, 40])('both hear each other and a digit, in packets of %d ms', async (ptimeMs) => {
    phone = await Softphone.start({ folder, toneHz: THEIR_TONE_HZ, codecs: audioCodec, codecModules: [module], account: `;ptime=${ptimeMs}` });
    const leg = caller.sip.createCall({ trunk: { host: '127.0.0.1', port: phone.port, transport: 'udp', codecs: ['PCMU', 'G722', 'opus'] }, dialUser: 'phone', fromNumber: '+14155550100' });
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    const played = once(leg, 'played');
    leg.audioOut.play('tone', sineWave({ frequencyHz: OUR_TONE_HZ, durationMs: 2_000 }));
    leg.audioOut.endOf('tone');
    expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
    await played;
    await leg.sendDtmf('7');
    await phone.wrote("received event: '7' (end=1)");
    const hungUp = once(leg, 'hungUp');
    await phone.command('hangup');
    await hungUp;
    expect(await leg.close()).toMatchObject({ codec });
    await phone.stop();
    expect(tonePurityAtBest(await phone.heard(), OUR_TONE_HZ)).toBeGreaterThan(PURE);
  });

  it('calls us, and we answer with its codec; its digits arrive', async () => {
    phone = await Softphone.start({ folder, toneHz: THEIR_TONE_HZ, codecs: audioCodec, codecModules: [module] });
    const taken = new Promise<CallLeg>((resolve) => {
      caller.sip.onInvite(async (call) => {
        resolve(call.leg);
        await call.answer();
      });
    });
    await phone.command('dial', `sip:bot@127.0.0.1:${caller.sip.port}`);
    const leg = await taken;
    expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
    const pressed = once(leg, 'dtmf');
    await phone.command('sndcode', '4');
    expect(await pressed).toMatchObject({ digit: '4' });
    const hungUp = once(leg, 'hungUp');
    await phone.command('hangup');
    await hungUp;
    expect(await leg.close()).toMatchObject({ codec });
  });
});
