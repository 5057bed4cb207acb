import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CallOutcome } from '@dialfleet/call';
import type { OrphanCandidate } from '@dialfleet/database';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { lostOutcome, settlementReason } from './settlement.js';
import { Settler } from './settler.js';
import { WorkerPulse } from './worker-pulse.js';

const START = new VirtualClock().nowMs();
const call: OrphanCandidate = {
  sessionId: 's', workspaceId: 'ws', botId: 'b', botVersion: 1, direction: 'outbound', callerId: '+2', toNumber: '+2', fromNumber: '+1', variables: { a: '1' },
  workerId: 'w-1', workerEpoch: 'e1', acceptedAtMs: START, answeredAtMs: null, lastNewsMs: START,
};
const beat = { workerId: 'w-1', epoch: 'e1' };

describe('settlement', () => {
  const reason = (pulse: WorkerPulse, atMs: number, changes: Partial<OrphanCandidate> = {}): string | null => settlementReason({ ...call, ...changes }, pulse, START + atMs, atMs);

  it('closes a call whose worker is silent for 10 s', () => {
    const pulse = new WorkerPulse(0);
    pulse.heard(beat, 5000);
    expect([reason(pulse, 14_999), reason(pulse, 15_000)]).toEqual([null, 'worker_lost']);
  });
  it('never one whose worker is heard, or of which news came', () => {
    const pulse = new WorkerPulse(0);
    pulse.heard(beat, 100_000);
    expect(reason(pulse, 105_000)).toBeNull();
    expect(reason(new WorkerPulse(0), 105_000, { lastNewsMs: START + 100_000 })).toBeNull();
  });
  it('does not take a reborn worker for its former self', () => {
    const pulse = new WorkerPulse(0);
    pulse.heard(beat, 1000);
    pulse.heard({ ...beat, epoch: 'e2' }, 20_000);
    expect(reason(pulse, 20_000)).toBe('worker_lost');
  });
  it('counts silence only from when it could hear', () => {
    const pulse = new WorkerPulse(100_000);
    expect([reason(pulse, 109_999), reason(pulse, 110_000)]).toEqual([null, 'worker_lost']);
    pulse.deafUntil(200_000);
    expect([reason(pulse, 209_000), reason(pulse, 210_000)]).toEqual([null, 'worker_lost']);
  });
  it('closes what no worker took after 30 s', () => {
    const orphan = { workerId: null, workerEpoch: null };
    expect([reason(new WorkerPulse(0), 29_999, orphan), reason(new WorkerPulse(0), 30_000, orphan), reason(new WorkerPulse(20_000), 49_999, orphan)]).toEqual([null, 'not_dialled', null]);
    expect(reason(new WorkerPulse(0), 30_000, { ...orphan, direction: 'inbound' })).toBe('not_taken');
  });

  it('tells the story as far as it is known', () => {
    const at = (ms: number): Date => new Date(START + ms);
    const outcome = lostOutcome({ ...call, answeredAtMs: START + 5000 }, 'worker_lost', [
      { at: at(5000), type: 'call.answered', data: {} }, { at: at(9000), type: 'turn.bot', data: { text: 'Hello?', offset_ms: 400 } },
      { at: at(12_000), type: 'turn.customer', data: { text: 'Yes.' } }, { at: at(13_000), type: 'turn.customer', data: {} },
    ], { status: 'partial', key: 'k', durationSeconds: 8 }, START + 60_000);
    expect(outcome).toMatchObject({ disconnectedBy: 'error', hangupReason: 'worker_lost', callDurationSeconds: 8, ringDurationSeconds: 5, endedAt: at(13_000).toISOString(), recording: { status: 'partial', key: 'k' },
      transcript: [{ speaker: 'bot', text: 'Hello?', offsetMs: 400, timestamp: at(5400).toISOString() }, { speaker: 'customer', text: 'Yes.', offsetMs: 7000 }] });
  });
  it('makes nothing up for a call that was never answered', () => {
    expect(lostOutcome({ ...call, workerId: null, workerEpoch: null }, 'not_dialled', [], null, START + 30_000)).toMatchObject({
      answeredAt: null, callDurationSeconds: 0, ringDurationSeconds: null, sipStatus: null, transcript: [], recording: { status: 'none' }, workerId: '', endedAt: new Date(START + 30_000).toISOString() });
  });
});

describe('settler', () => {
  let clock: VirtualClock;
  let kept: { outcome: CallOutcome; settled: boolean | undefined }[];
  let quiet: OrphanCandidate[];
  const world = { listening: true, unhandled: false };

  beforeEach(() => { clock = new VirtualClock(); kept = []; quiet = [call]; world.listening = true; world.unhandled = false; });

  const settler = (): Settler => new Settler({
    orphans: { quietCalls: async (sinceMs) => quiet.filter((c) => c.lastNewsMs <= sinceMs), events: async () => [] },
    results: { keep: async (outcome, settled) => { kept.push({ outcome, settled }); quiet = []; return 'store'; } },
    pulse: new WorkerPulse(0), isListening: () => world.listening, hasUnhandled: async () => world.unhandled, findRecording: async () => null, clock, logger: silentLogger,
  });

  it('closes by itself, once', async () => {
    const running = settler();
    running.start();
    await clock.advanceAsync(9000, 100);
    expect(kept).toEqual([]);
    await clock.advanceAsync(10_000, 100);
    expect(kept).toEqual([{ settled: true, outcome: expect.objectContaining({ sessionId: 's', hangupReason: 'worker_lost' }) }]);
    await running.stop();
  });
  it.each([['the broker is away', { listening: false }], ['the stream has not been read to its end', { unhandled: true }]])('closes nothing while %s', async (_name, changes) => {
    clock.advance(60_000);
    Object.assign(world, changes);
    expect(await settler().settleDue()).toBe(0);
    expect(kept).toEqual([]);
  });
});
