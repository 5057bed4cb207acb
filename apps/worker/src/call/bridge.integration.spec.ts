import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallLeg } from '@dialfleet/call';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { parseWav, sineWave, tonePurity } from '@dialfleet/media';
import { RtpEngine, type MediaSession } from '@dialfleet/telephony';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Bridge } from './bridge.js';

/** Whole cycles in 20 ms: a skipped or repeated frame does not shift the phase, a gap does lower the purity. */
const [CUSTOMER_HZ, TARGET_HZ] = [450, 600];
const PURE = 0.9;

let engine: RtpEngine;
let folder: string;
beforeEach(async () => {
  engine = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
  folder = await mkdtemp(join(tmpdir(), 'dialfleet-bridge-'));
});
afterEach(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

/** Our leg and the phone at its other end, over real sockets. */
async function line(payloadType: 0 | 8): Promise<{ ours: MediaSession; phone: MediaSession; leg: CallLeg }> {
  const [ours, phone] = [await engine.open(), await engine.open()];
  const codec = { name: payloadType === 0 ? 'PCMU' : 'PCMA', payloadType, clockRateHz: 8000 } as const;
  const remote = { codec, telephoneEvent: { payloadType: 101, clockRateHz: 8000 }, direction: 'sendrecv' as const };
  ours.setRemote({ ...phone.local, ...remote });
  phone.setRemote({ ...ours.local, ...remote });
  const leg = { events: ours.events, audioOut: ours, sendDtmf: (digits: string) => ours.sendDtmf(digits) } as unknown as CallLeg;
  return { ours, phone, leg };
}

/** The best 400 ms of a tone, as soon as it is pure, else of three seconds. */
function purity(session: MediaSession, frequencyHz: number): Promise<number> {
  const window = new Int16Array(3_200);
  let heard = 0;
  let best = 0;
  return new Promise((resolve) => {
    const off = session.events.on('audio', ({ pcm }) => {
      window.copyWithin(0, pcm.length);
      window.set(pcm, window.length - pcm.length);
      heard += pcm.length;
      if (heard >= window.length) best = Math.max(best, tonePurity(window, frequencyHz));
      if (best > PURE || heard > 24_000) { off(); resolve(best); }
    });
  });
}

describe('a bridge over real media, PCMU on one side and PCMA on the other', () => {
  it('carries each voice whole to the other, and records both', async () => {
    const [customer, target] = [await line(0), await line(8)];
    const file = join(folder, 'call.wav');
    await customer.ours.record(file);
    const bridge = new Bridge(customer.leg, target.leg, silentLogger);
    customer.phone.play('tone', sineWave({ frequencyHz: CUSTOMER_HZ, durationMs: 5_000 }));
    target.phone.play('tone', sineWave({ frequencyHz: TARGET_HZ, durationMs: 5_000 }));
    const heard = await Promise.all([purity(target.phone, CUSTOMER_HZ), purity(customer.phone, TARGET_HZ)]);
    expect(Math.min(...heard)).toBeGreaterThan(PURE);
    const key = new Promise<string>((resolve) => { target.phone.events.on('dtmf', ({ digit }) => { resolve(digit); }); });
    await customer.phone.sendDtmf('7');
    expect(await key).toBe('7');
    bridge.stop();
    await Promise.all([customer, target].flatMap(({ ours, phone }) => [ours.close(), phone.close()]));
    const { channels } = parseWav(await readFile(file));
    const best = (pcm: Int16Array, hz: number): number => {
      let found = 0;
      for (let at = 0; at + 3_200 <= pcm.length; at += 160) found = Math.max(found, tonePurity(pcm.subarray(at, at + 3_200), hz));
      return found;
    };
    expect([best(channels[0], CUSTOMER_HZ) > PURE, best(channels[1], TARGET_HZ) > PURE]).toEqual([true, true]);
  });
});
