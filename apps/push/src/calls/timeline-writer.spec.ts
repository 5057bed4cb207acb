import { describe, expect, it } from '@jest/globals';
import type { CallTimelineEvent } from '@dialfleet/call';
import { TimelineWriter } from './timeline-writer.js';

const event = (seq: number): CallTimelineEvent => ({ eventId: `s:${seq}`, sessionId: 's', workspaceId: 'w', workerId: 'w', workerEpoch: 'e', seq, at: '2026-01-05T10:00:00Z', type: 'warning', data: {} });
const seqs = (events: CallTimelineEvent[]): number[] => events.map(({ seq }) => seq);

describe('timeline writer', () => {
  it('writes at once, and what arrives meanwhile as one batch', async () => {
    const batches: number[][] = [];
    const releases: (() => void)[] = [];
    const writer = new TimelineWriter((events) => { batches.push(seqs(events)); return new Promise((resolve) => { releases.push(resolve); }); }, () => false);
    const first = writer.add(event(1));
    const rest = Promise.all([writer.add(event(2)), writer.add(event(3)), writer.add(event(4))]);
    expect(batches).toEqual([[1]]);
    releases.shift()?.();
    await first;
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(batches).toEqual([[1], [2, 3, 4]]);
    releases.shift()?.();
    await rest;
  });
  it('lets one bad event fail alone', async () => {
    const stored: number[] = [];
    const writer = new TimelineWriter(async (events) => {
      if (events.some(({ seq }) => seq === 3)) throw new Error('bad event');
      stored.push(...seqs(events));
    }, () => false);
    const settled = await Promise.allSettled([1, 2, 3, 4].map((seq) => writer.add(event(seq))));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(stored).toEqual([1, 2, 4]);
  });
  it('fails together when the database is away, and writes again later', async () => {
    let away = true;
    let tries = 0;
    const writer = new TimelineWriter(async () => { tries++; if (away) throw new Error('away'); }, () => true);
    const settled = await Promise.allSettled([1, 2, 3].map((seq) => writer.add(event(seq))));
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true);
    expect(tries).toBe(2);
    away = false;
    await writer.add(event(4));
  });
});
