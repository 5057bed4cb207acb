import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg } from '@dialfleet/call';
import { sineWave } from '@dialfleet/media';
import { Kamailio, type KamailioOptions } from './kamailio-server.js';
import { hearTone, once, startCaller, type Caller } from './library-caller.js';

/** Whole cycles in 20 ms. */
const [THEIR_TONE_HZ, OUR_TONE_HZ] = [600, 450];
const PURE = 0.8;

jest.setTimeout(30_000);

let folder: string;
let kamailio: Kamailio | undefined;
let caller: Caller | undefined;
let callee: Caller | undefined;

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'dialfleet-kamailio-')); });
afterEach(async () => {
  await caller?.stop();
  await callee?.stop();
  await kamailio?.stop();
  await rm(folder, { recursive: true });
});

const started = async (options: Omit<KamailioOptions, 'folder'> = {}): Promise<Kamailio> => { kamailio = await Kamailio.start({ folder, ...options }); return kamailio; };

/** Answers every call with a tone. */
async function startCallee(): Promise<Caller> {
  callee = await startCaller('udp');
  callee.sip.onInvite(async (call) => {
    call.ring();
    await call.answer();
    call.leg.audioOut.play('tone', sineWave({ frequencyHz: THEIR_TONE_HZ, durationMs: 5_000 }));
  });
  return callee;
}

describe.each(['udp', 'tcp'] as const)('kamailio over %s', (transport) => {
  it('stays in the path of a call: both sides hear each other, and either may hang up', async () => {
    const { sip } = await startCallee();
    const proxy = await started({ upstreamPort: sip.port, password: 'secret' });
    caller = await startCaller(transport);
    const leg: CallLeg = caller.sip.createCall({
      trunk: { host: '127.0.0.1', port: proxy.port, transport, codecs: ['PCMU'], username: 'bot', password: 'secret' }, dialUser: '+14155550123', fromNumber: '+14155550100',
    });
    const answered = once(leg, 'answered');
    await leg.start();
    await answered;
    leg.audioOut.play('tone', sineWave({ frequencyHz: OUR_TONE_HZ, durationMs: 2_000 }));
    expect(await hearTone(leg, THEIR_TONE_HZ, PURE)).toBeGreaterThan(PURE);
    leg.hangUp();
    expect(await once(leg, 'released')).toEqual({ sipStatus: 200 });
    await leg.close();
  });
});
