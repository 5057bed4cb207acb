import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallLeg, LegEvents } from '@dialfleet/call';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { parseWav, sineWave, tonePurity } from '@dialfleet/media';
import { RtpEngine } from '../../rtp/rtp-engine.js';
import { SipEndpoint } from '../sip-endpoint.js';

const PURE = 0.9;
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

async function phone(): Promise<SipEndpoint> {
  const media = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
  const sip = await SipEndpoint.start({ transport: 'udp', bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media, logger: silentLogger });
  cleanUps.push(() => media.close(), () => sip.stop());
  return sip;
}

const once = <K extends keyof LegEvents>(leg: CallLeg, event: K): Promise<LegEvents[K]> =>
  new Promise((resolve) => { const off = leg.events.on(event, (payload) => { off(); resolve(payload); }); });

function listen(leg: CallLeg, samples: number): Promise<Int16Array> {
  const heard: number[] = [];
  return new Promise((resolve) => {
    const off = leg.events.on('audio', ({ pcm }) => {
      heard.push(...pcm);
      if (heard.length >= samples) { off(); resolve(Int16Array.from(heard)); }
    });
  });
}

const say = (leg: CallLeg, frequencyHz: number): void => {
  leg.audioOut.play('tone', sineWave({ frequencyHz, durationMs: 1_500 }));
  leg.audioOut.endOf('tone');
};

describe('a call with real RTP', () => {
  it('carries both voices and keys, and is recorded on two channels', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dialfleet-call-'));
    cleanUps.push(() => rm(folder, { recursive: true }));
    const [a, b] = [await phone(), await phone()];
    let callee: CallLeg | undefined;
    const playing: Promise<unknown>[] = [];
    b.onInvite((call) => { callee = call.leg; playing.push(once(call.leg, 'playing')); say(call.leg, 700); return call.answer(); });
    const leg = a.createCall({ trunk: { host: '127.0.0.1', port: b.port, transport: 'udp', codecs: ['PCMA'] }, dialUser: 'b', fromNumber: 'a' });
    playing.push(once(leg, 'playing'));
    say(leg, 400);
    await leg.record(join(folder, 'call.wav'));
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    const [atCaller, atCallee] = await Promise.all([listen(leg, 8_000), listen(callee as CallLeg, 8_000)]);
    expect(tonePurity(atCaller.subarray(4_000), 700)).toBeGreaterThan(PURE);
    expect(tonePurity(atCallee.subarray(4_000), 400)).toBeGreaterThan(PURE);
    expect(await Promise.all(playing)).toMatchObject([{ tag: 'tone' }, { tag: 'tone' }]);
    const key = once(callee as CallLeg, 'dtmf');
    await leg.sendDtmf('7');
    expect(await key).toEqual({ digit: '7' });
    leg.hangUp();
    await once(leg, 'released');
    const stats = await leg.close();
    await callee?.close();
    expect(stats.packetsReceived).toBeGreaterThan(40);
    const recording = parseWav(await readFile(join(folder, 'call.wav')));
    expect(tonePurity(recording.channels[0].subarray(4_000, 8_000), 700)).toBeGreaterThan(PURE);
    expect(tonePurity(recording.channels[1].subarray(4_000, 8_000), 400)).toBeGreaterThan(PURE);
  }, 20_000);

  it.each([['required', 'required', true], ['optional', 'off', false], ['optional', 'optional', true]] as const)('SRTP %s meets %s', async (ours, theirs, isProtected) => {
    const [a, b] = [await phone(), await phone()];
    let callee: CallLeg | undefined;
    b.onInvite((call) => { callee = call.leg; call.obey({ srtp: theirs }); say(call.leg, 700); return call.answer(); });
    const leg = a.createCall({ trunk: { host: '127.0.0.1', port: b.port, transport: 'udp', codecs: ['PCMU'], srtp: ours }, dialUser: 'b', fromNumber: 'a' });
    say(leg, 400);
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    const [atCaller, atCallee] = await Promise.all([listen(leg, 6_000), listen(callee as CallLeg, 6_000)]);
    expect(tonePurity(atCaller.subarray(3_000), 700)).toBeGreaterThan(PURE);
    expect(tonePurity(atCallee.subarray(3_000), 400)).toBeGreaterThan(PURE);
    leg.hangUp();
    await once(leg, 'released');
    expect(await leg.close()).toMatchObject({ srtp: isProtected, packetsUnauthentic: 0, packetsForeign: 0, codec: 'PCMU' });
    await callee?.close();
  }, 20_000);

  it('refuses with 488 who does not protect a call that must be', async () => {
    const [a, b] = [await phone(), await phone()];
    b.onInvite((call) => { call.obey({ srtp: 'required' }); return call.answer(); });
    const leg = a.createCall({ trunk: { host: '127.0.0.1', port: b.port, transport: 'udp', codecs: ['PCMU'] }, dialUser: 'b', fromNumber: 'a' });
    const failed = once(leg, 'failed');
    await leg.start();
    expect(await failed).toMatchObject({ sipStatus: 488 });
    await leg.close();
  }, 20_000);
});
