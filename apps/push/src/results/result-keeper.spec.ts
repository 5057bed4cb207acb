import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CallOutcome } from '@dialfleet/call';
import type { KnownCall, ResultToSave } from '@dialfleet/database';
import { sampleOutcome } from '@dialfleet/delivery';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { BrainAnalyser } from './analyser.js';
import { ResultKeeper, UnknownCall } from './result-keeper.js';

const clock = new VirtualClock();
const outcome = sampleOutcome();
const config = { name: 'B', active_hours: { enabled: false, timezone: 'Asia/Tokyo', days: [], start_time: '09:00', end_time: '17:00' }, analysis: { prompt: 'Say how it went.' } };

let known: KnownCall | null;
let saves: ResultToSave[];
let woken: number;
let extract: (request: { prompt: string }) => Promise<Record<string, unknown>>;
let savedFirst: boolean;

beforeEach(() => {
  known = { state: 'talking', stored: null, events: [{ at: '2026-01-05T10:00:00.000Z', type: 'call.accepted', data: {} }], botVersion: { config, secrets: null },
    endpoints: [
      { id: 'ep_hook', kind: 'webhook', mapper: null, enabled: true },
      { id: 'ep_crm', kind: 'crm_push', enabled: true, mapper: { lead: '{{crm.customer_id}}', 'at.date': '{{system.date}}', mood: '{{analysis.mood}}', x: '{{crm.nope}}' } },
    ] };
  saves = [];
  woken = 0;
  savedFirst = true;
  extract = async ({ prompt }) => ({ mood: 'good', prompt });
});

const keeper = (): ResultKeeper => new ResultKeeper({
  results: {
    find: async () => known,
    save: async (save) => { saves.push(save); return savedFirst; },
    amend: async (save) => { saves.push(save); return savedFirst; },
  },
  analyser: new BrainAnalyser(() => ({ extract: (request) => extract(request) }), clock),
  secrets: { openJson: () => { throw new Error('no secrets here'); } },
  recordingUrl: (sessionId) => `https://v.example/recordings/${sessionId}`, onDeliveries: () => { woken++; }, clock, logger: silentLogger,
});

describe('result keeper', () => {
  it('makes the result and freezes one message for each endpoint', async () => {
    expect(await keeper().keep(outcome)).toBe('store');
    const [{ result, deliveries, settled, nowMs }] = saves;
    expect(result).toMatchObject({ session_id: outcome.sessionId, recording_url: `https://v.example/recordings/${outcome.sessionId}`, analysis_status: 'ok',
      post_call_analysis: { mood: 'good', prompt: 'Say how it went.' }, events: known?.events, call_duration_seconds: 42.5 });
    expect([settled, nowMs, woken]).toEqual([false, clock.nowMs(), 1]);
    expect(JSON.parse(deliveries[0].body)).toEqual(JSON.parse(JSON.stringify(result)));
    expect(deliveries[1]).toEqual({ endpoint: known?.endpoints[1], unresolved: ['crm.nope'], body: '{"lead":"C-1001","at":{"date":"2026-01-05"},"mood":"good","x":""}' });
  });
  it('does not analyse where there is nothing to say', async () => {
    extract = () => { throw new Error('must not be asked'); };
    for (const changes of [{ disconnectedBy: 'RNR' }, { callDurationSeconds: 4.9 }, { transcript: [] }] satisfies Partial<CallOutcome>[]) await keeper().keep({ ...outcome, ...changes });
    expect(saves.map(({ result }) => [result.analysis_status, result.post_call_analysis])).toEqual([['skipped', null], ['skipped', null], ['skipped', null]]);
  });
  it.each<[string, () => Promise<Record<string, unknown>>]>([
    ['fails', () => Promise.reject(new Error('no'))], ['throws', () => { throw new Error('no'); }], ['is no object', () => Promise.resolve([] as unknown as Record<string, unknown>)],
    ['is too long', () => Promise.resolve({ x: 'y'.repeat(70_000) })],
  ])('stores the result when the analysis %s', async (_name, broken) => {
    extract = broken;
    expect(await keeper().keep(outcome)).toBe('store');
    expect(saves[0].result).toMatchObject({ analysis_status: 'failed', post_call_analysis: null });
    expect(saves[0].deliveries[1].unresolved).toEqual(['analysis.mood', 'crm.nope']);
  });
  it('waits for the analysis no longer than half a minute', async () => {
    extract = () => new Promise(() => undefined);
    const kept = keeper().keep(outcome);
    await clock.advanceAsync(32_000, 1000);
    expect(await kept).toBe('store');
    expect(saves[0].result.analysis_status).toBe('failed');
  });
  it('stores the result when the bot version cannot be read', async () => {
    (known as KnownCall).botVersion = { config, secrets: 'v1.broken' };
    await keeper().keep(outcome);
    expect(saves[0].result.analysis_status).toBe('failed');
  });
  it('names no recording that is not there', async () => {
    for (const status of ['none', 'lost'] as const) await keeper().keep({ ...outcome, recording: { status, key: null, durationSeconds: null } });
    expect(saves.map(({ result }) => [result.recording_url, result.recording_status])).toEqual([[null, 'none'], [null, 'lost']]);
  });
  it('changes nothing for what is there already, or was stored by another in between', async () => {
    savedFirst = false;
    expect(await keeper().keep(outcome)).toBe('ignore');
    (known as KnownCall).stored = { outcome, amended: false };
    expect(await keeper().keep(outcome)).toBe('ignore');
    expect([saves.length, woken]).toEqual([1, 0]);
  });
  it('refuses outcomes of calls it does not know', async () => {
    known = null;
    await expect(keeper().keep(outcome)).rejects.toThrow(UnknownCall);
  });
});
