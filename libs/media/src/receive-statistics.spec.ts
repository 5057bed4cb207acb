import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ReceiveStatistics } from './receive-statistics.js';

const feed = (statistics: ReceiveStatistics, sequenceNumbers: readonly number[], ssrc = 1): string[] =>
  sequenceNumbers.map((n, i) => statistics.receive({ ssrc, sequenceNumber: n & 0xffff, rtpTimestamp: (n * 160) >>> 0 }, i * 20));
const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

describe('ReceiveStatistics', () => {
  it('counts a clean stream across the wrap as clean', () => {
    const statistics = new ReceiveStatistics();
    expect(feed(statistics, range(65_500, 100))).toEqual(['restart', ...new Array<string>(99).fill('fresh')]);
    expect(statistics.report()).toEqual({ packetsReceived: 100, packetsLost: 0, packetsLateOrDuplicate: 0, jitterMs: 0 });
  });

  it('counts losses, and not what only came out of order', () => {
    const statistics = new ReceiveStatistics();
    feed(statistics, [10, 11, 13, 12, 14, 17]);
    expect(statistics.report()).toMatchObject({ packetsReceived: 6, packetsLost: 2, packetsLateOrDuplicate: 0 });
  });

  it('recognises duplicates, and does not let them hide losses', () => {
    const statistics = new ReceiveStatistics();
    expect(feed(statistics, [1, 2, 2, 5, 5, 1])).toEqual(['restart', 'fresh', 'duplicate', 'fresh', 'duplicate', 'duplicate']);
    expect(statistics.report()).toMatchObject({ packetsReceived: 6, packetsLost: 2, packetsLateOrDuplicate: 3 });
  });

  it('tells the stream as a report block wants it, and the share that could not be heard', () => {
    const statistics = new ReceiveStatistics();
    expect([statistics.reception(), statistics.lossShare()]).toEqual([null, 0]);
    feed(statistics, [65_534, 65_535, 65_537, 65_537, 65_543]);
    expect(statistics.reception()).toMatchObject({ ssrc: 1, expected: 10, received: 4, highestSequence: 65_543 });
    expect(statistics.lossShare()).toBeCloseTo(0.6);
    statistics.countLate();
    expect(statistics.lossShare()).toBeCloseTo(0.7);
  });

  it('accepts a packet from before the first one', () => {
    const statistics = new ReceiveStatistics();
    expect(feed(statistics, [0, -1, 1])).toEqual(['restart', 'fresh', 'fresh']);
    expect(statistics.report().packetsLost).toBe(0);
  });

  it('believes a new source only when its second packet follows', () => {
    const statistics = new ReceiveStatistics();
    feed(statistics, range(0, 5));
    expect(feed(statistics, [9000], 2)).toEqual(['suspect']);
    expect(feed(statistics, [5])).toEqual(['fresh']);
    expect(feed(statistics, [9001, 9002, 9004], 2)).toEqual(['suspect', 'restart', 'fresh']);
    expect(statistics.report().packetsLost).toBe(1);
  });

  it('follows a jump of the sequence number once it is confirmed, keeping earlier losses', () => {
    const statistics = new ReceiveStatistics();
    expect(feed(statistics, [0, 2, 40_000, 40_001, 40_002])).toEqual(['restart', 'fresh', 'suspect', 'restart', 'fresh']);
    expect(statistics.report().packetsLost).toBe(1);
  });

  it('measures jitter by the RFC 3550 recursion', () => {
    const statistics = new ReceiveStatistics();
    const arrivals = [0, 20, 45, 60, 95, 100];
    let expected = 0;
    arrivals.forEach((nowMs, i) => {
      statistics.receive({ ssrc: 1, sequenceNumber: i, rtpTimestamp: i * 160 }, nowMs);
      if (i > 0) expected += (Math.abs(nowMs - arrivals[i - 1] - 20) * 8 - expected) / 16;
    });
    expect(statistics.report().jitterMs).toBeCloseTo(expected / 8, 9);
  });

  it('leaves telephone events, whose timestamp stands still, and clock jumps out of the jitter', () => {
    const statistics = new ReceiveStatistics();
    statistics.receive({ ssrc: 1, sequenceNumber: 0, rtpTimestamp: 0 }, 0);
    statistics.receive({ ssrc: 1, sequenceNumber: 1, rtpTimestamp: 0 }, 100, false);
    statistics.receive({ ssrc: 1, sequenceNumber: 2, rtpTimestamp: 1_000_000 }, 120);
    expect(statistics.report().jitterMs).toBe(0);
  });

  it('never reports less than nothing lost', () => {
    fc.assert(fc.property(fc.array(fc.record({ ssrc: fc.integer({ min: 1, max: 2 }), sequenceNumber: fc.integer({ min: 0, max: 0xffff }) })), (packets) => {
      const statistics = new ReceiveStatistics();
      packets.forEach((packet, i) => statistics.receive({ ...packet, rtpTimestamp: i * 160 }, i * 20));
      const { packetsLost, jitterMs, packetsReceived } = statistics.report();
      expect(packetsLost).toBeGreaterThanOrEqual(0);
      expect(jitterMs).toBeGreaterThanOrEqual(0);
      expect(packetsReceived).toBe(packets.length);
    }));
  });
});
