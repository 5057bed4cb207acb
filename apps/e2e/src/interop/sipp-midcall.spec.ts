import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallLeg, LegEvents, TrunkPlan } from '@dialfleet/call';
import { silentLogger, systemClock, type Clock } from '@dialfleet/kit';
import { RtpEngine, SipEndpoint } from '@dialfleet/telephony';
import type { ExternalProgram } from '../harness/external-program.js';
import { once } from './library-caller.js';
import { allSatisfied, HURRY, hurriedClock, startSipp } from './sipp-run.js';

jest.setTimeout(30_000);

let folder: string;
let sip: SipEndpoint;
let media: RtpEngine;
let sipp: ExternalProgram | undefined;

async function ourSide(clock: Clock): Promise<void> {
  media = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
  sip = await SipEndpoint.start({ transport: 'udp', bindAddress: '127.0.0.1', port: 0, userAgent: 'dialfleet-interop', media, clock, logger: silentLogger });
}

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'dialfleet-sipp-')); });
afterEach(async () => {
  await sip?.stop();
  await media?.close();
  await sipp?.stop();
  await rm(folder, { recursive: true });
});

/** A call to one run of a scenario, answered. */
async function called(scenario: string, trunk: Partial<TrunkPlan> = {}): Promise<CallLeg> {
  const { program, port } = await startSipp(scenario, { folder, extra: ['-rtp_echo'] });
  sipp = program;
  const leg = sip.createCall({ trunk: { host: '127.0.0.1', port, transport: 'udp', codecs: ['PCMU', 'PCMA'], ...trunk }, dialUser: '+14155550123', fromNumber: '+14155550100' });
  const answered = once(leg, 'answered');
  await leg.start();
  await answered;
  return leg;
}

/** Ends with 0 when the far side saw all that its scenario wants. */
async function finished(leg: CallLeg): Promise<void> {
  await allSatisfied(sipp ? [sipp] : [], folder);
  await leg.close();
  expect(sip.stats()).toMatchObject({ legs: 0, dialogs: 0 });
}

const hangUp = async (leg: CallLeg): Promise<void> => {
  const released = once(leg, 'released');
  leg.hangUp();
  await released;
};

describe('sipp, within a call', () => {
  beforeEach(() => ourSide(systemClock));

  it('holds, resumes, changes codec and address, by re-INVITE and UPDATE, with and without an offer', async () => {
    const leg = await called('media-changes');
    const hungUp = once(leg, 'hungUp');
    await hungUp;
    await finished(leg);
    expect((await leg.close()).packetsSent).toBeGreaterThan(10);
  });

  it('asks what we can, presses keys by INFO, and is not obeyed when it refers us', async () => {
    const keys: string[] = [];
    const leg = await called('asks-within');
    leg.events.on('dtmf', ({ digit }) => keys.push(digit));
    await once(leg, 'hungUp');
    expect(keys).toEqual(['5', '#']);
    await finished(leg);
  });

  it('takes our REFER and tells its progress', async () => {
    const leg = await called('takes-refer');
    const progress: number[] = [];
    expect(await leg.transfer?.('+14155550199', (status) => progress.push(status))).toEqual({ ok: true });
    expect(progress).toEqual([100, 180, 200]);
    await hangUp(leg);
    await finished(leg);
  });

  it('takes our REFER and leaves', async () => {
    const leg = await called('takes-refer-and-leaves');
    const hungUp = once(leg, 'hungUp');
    expect(await leg.transfer?.('+14155550199')).toEqual({ ok: true });
    await hungUp;
    await finished(leg);
  });

  it('refuses our REFER, and the call goes on', async () => {
    const leg = await called('refuses-refer');
    const hungUp = once(leg, 'hungUp');
    expect(await leg.transfer?.('+14155550199')).toMatchObject({ ok: false, sipStatus: 405 });
    await hungUp;
    await finished(leg);
  });

  it('refers us where its trunk may', async () => {
    const leg = await called('refers-us', { allowRefer: true });
    const targets: string[] = [];
    leg.events.on('referred', ({ target, report }: LegEvents['referred']) => {
      targets.push(target);
      report(180);
      report(200);
    });
    await once(leg, 'hungUp');
    expect(targets).toEqual(['+14155550199']);
    await finished(leg);
  });

  it('wants a longer session interval', async () => {
    const leg = await called('interval-too-small', { sessionExpiresSeconds: 90 });
    await hangUp(leg);
    await finished(leg);
  });
});

describe('sipp and the session timer, in a hurry', () => {
  beforeEach(() => ourSide(hurriedClock));

  /** The session would have expired at 60 s, were it not refreshed at 45; at the end of `untilSeconds` we hang up. */
  async function outlives(leg: CallLeg, untilSeconds: number): Promise<void> {
    const faults: unknown[] = [];
    leg.events.on('fault', (fault) => faults.push(fault));
    await new Promise((resolve) => { setTimeout(resolve, (untilSeconds * 1000) / HURRY); });
    expect(faults).toEqual([]);
    await hangUp(leg);
    await finished(leg);
  }

  it('is refreshed by re-INVITE, also after a glare', async () => {
    await outlives(await called('refreshed-by-us', { sessionExpiresSeconds: 90 }), 75);
  });

  it('is refreshed by UPDATE', async () => {
    await outlives(await called('refreshed-by-update', { sessionExpiresSeconds: 90 }), 115);
  });

  it('does not refresh any more: we hang up', async () => {
    const leg = await called('refreshes-once', { sessionExpiresSeconds: 90 });
    expect(await once(leg, 'fault')).toEqual({ reason: 'trunk_failed', detail: 'session expired: the far end did not refresh it' });
    leg.hangUp();
    await finished(leg);
  });
});
