import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JitterBuffer } from './jitter-buffer.js';
import { rmsLevel } from './tone.js';

/** Loud (never "quiet") and recognisable: packet n holds the value 1000 + n. */
const packet = (n: number, samples = 160): Int16Array => new Int16Array(samples).fill(1000 + n);
const numbersOf = (frames: (Int16Array | null)[]): (number | null)[] => frames.map((frame) => frame && (frame.every((s) => s === frame[0]) ? frame[0] : NaN) - 1000);
const pulls = (buffer: JitterBuffer, count: number): (Int16Array | null)[] => Array.from({ length: count }, () => buffer.pull());

/** With the least delay, where one frame is easiest to count. */
const newBuffer = (): JitterBuffer => new JitterBuffer({ minDelayMs: 20 });

/** Feeds arrivals ([frame period, packet number] pairs) into a buffer that is pulled once a period; silence is −1000. */
function play(arrivals: readonly (readonly [number, number])[], periods: number, buffer = newBuffer(), start = 5000): (number | null)[] {
  const frames: (Int16Array | null)[] = [];
  for (let period = 0; period < periods; period++) {
    for (const [at, n] of arrivals) if (at === period) buffer.push((start + n * 160) >>> 0, packet(n));
    frames.push(buffer.pull());
  }
  return numbersOf(frames);
}

const steady = (count: number, from = 0): [number, number][] => Array.from({ length: count }, (_, i) => [from + i, from + i]);
const SILENT = -1000;

describe('JitterBuffer', () => {
  it('gives nothing before the first packet', () => {
    expect(newBuffer().pull()).toBeNull();
  });

  it('plays a steady stream one frame behind', () => {
    expect(play(steady(6), 6)).toEqual([SILENT, 0, 1, 2, 3, 4]);
  });

  it('puts swapped packets back into order', () => {
    expect(play([[0, 0], [1, 2], [2, 1], [3, 3], [4, 5], [5, 4]], 7)).toEqual([SILENT, 0, 1, 2, 3, 4, 5]);
  });

  it('plays across the wrap of the timestamp', () => {
    expect(play(steady(8), 9, newBuffer(), 0xffffffff - 400)).toEqual([SILENT, 0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('plays packets of other lengths, and ones that do not fall on frame borders', () => {
    const buffer = newBuffer();
    const pcm = Int16Array.from({ length: 960 }, (_, i) => i + 1);
    buffer.push(1000, pcm.subarray(0, 80));
    buffer.push(1080, pcm.subarray(80, 320));
    buffer.push(1320, pcm.subarray(320, 800));
    const heard = pulls(buffer, 6).flatMap((frame) => [...(frame ?? [])]);
    expect(heard.slice(160)).toEqual([...pcm.subarray(0, 800)]);
  });

  it('conceals a lost packet by fading the last one, then with silence', () => {
    const buffer = newBuffer();
    buffer.push(0, packet(0));
    buffer.pull();
    const levels = pulls(buffer, 6).map((frame) => rmsLevel(frame!));
    expect(levels).toEqual([1000, 750, 500, 250, 0, 0]);
  });

  it('conceals from its own copy, whatever became of the frame it gave out', () => {
    const buffer = newBuffer();
    buffer.push(0, packet(0));
    for (const frame of pulls(buffer, 2)) structuredClone(frame, { transfer: [frame!.buffer as ArrayBuffer] });
    expect(rmsLevel(buffer.pull()!)).toBe(750);
  });

  it('goes on after a gap without moving the rest', () => {
    expect(play([[0, 0], [1, 1], [3, 3], [4, 4]], 6)).toEqual([SILENT, 0, 1, Math.trunc(0.75 * 1001) - 1000, 3, 4]);
  });

  it('loses one straggler, and adds delay when lateness becomes a habit', () => {
    const late = steady(60).map(([at, n]): [number, number] => [n === 5 || n >= 20 ? at + 3 : at, n]);
    const heard = play(late, 60);
    expect(heard.slice(7, 20)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
    expect(heard).not.toContain(5);
    expect(heard.slice(-30)).toEqual(Array.from({ length: 30 }, (_, i) => 30 + i - 3));
  });

  it('gives the delay back in a pause of speech', () => {
    const buffer = newBuffer();
    const loudUntil = 60;
    let delay = 0;
    for (let period = 0; period < 500; period++) {
      const lag = period >= 5 && period < 40 ? 4 : 0;
      const n = period - lag;
      const burst = period === 40 ? [36, 37, 38, 39, 40] : [n];
      for (const each of burst) if (each >= 0) buffer.push(each * 160, each < loudUntil ? packet(each) : new Int16Array(160).fill(each % 300));
      const frame = buffer.pull()!;
      if (period === 59) delay = period - (frame[0] - 1000);
      if (period === 499) expect((499 - 1) % 300).toBe(frame[0]);
    }
    expect(delay).toBeGreaterThanOrEqual(4);
  });

  it('starts afresh when the sender changes its clock', () => {
    const buffer = newBuffer();
    play(steady(5), 5, buffer);
    buffer.push(3_000_000_000, packet(70));
    expect(numbersOf(pulls(buffer, 2))[1]).toBe(70);
    buffer.push(1_000, packet(80));
    expect(numbersOf(pulls(buffer, 2))[1]).toBe(80);
  });

  it('starts afresh when the sender stopped its clock during a pause', () => {
    const buffer = newBuffer();
    play(steady(5), 30, buffer);
    buffer.push(5000 + 5 * 160, packet(5));
    expect(numbersOf(pulls(buffer, 2))[1]).toBe(5);
  });

  it('recovers when everything suddenly comes late by more than it may grow', () => {
    const buffer = new JitterBuffer({ minDelayMs: 20, maxDelayMs: 40 });
    const frozen = steady(100).map(([at, n]): [number, number] => [n >= 10 ? at + 15 : at, n]);
    const heard = play(frozen, 100, buffer);
    expect(heard.slice(-20)).toEqual(Array.from({ length: 20 }, (_, i) => 80 + i - 16));
  });

  it('forgets everything on reset', () => {
    const buffer = newBuffer();
    buffer.push(0, packet(1));
    buffer.reset();
    expect(buffer.pull()).toBeNull();
    buffer.push(9_999_999, packet(2));
    expect(numbersOf(pulls(buffer, 2))).toEqual([SILENT, 2]);
  });

  it('takes any timestamps and lengths, and always gives whole frames', () => {
    const arrival = fc.record({ timestamp: fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 9000 })), length: fc.integer({ min: 0, max: 9000 }), pulls: fc.integer({ min: 0, max: 20 }) });
    fc.assert(fc.property(fc.array(arrival, { maxLength: 40 }), (arrivals) => {
      const buffer = newBuffer();
      let started = false;
      for (const { timestamp, length, pulls: count } of arrivals) {
        started = buffer.push(timestamp, new Int16Array(length).fill(7000)) || started;
        for (const frame of pulls(buffer, count)) if (started) expect(frame).toHaveLength(160);
      }
    }));
  });

  it('plays every packet once, in order, when they come within the delay', () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { minLength: 20, maxLength: 60 }), (swaps) => {
      const order = swaps.map((_, i) => i);
      for (let i = 1; i + 1 < order.length; i += 2) if (swaps[i]) [order[i], order[i + 1]] = [order[i + 1], order[i]];
      const heard = play(order.map((n, at): [number, number] => [at, n]), order.length + 1);
      expect(heard).toEqual([SILENT, ...swaps.map((_, i) => i)]);
    }));
  });
});
