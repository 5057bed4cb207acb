import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AudioCodec } from './audio-codec.js';
import { AudioIntake } from './audio-intake.js';

/** Bytes are sample values; a decoder notes what it is given, and makes 900 + n for the n-th loss. */
function recording(stateless = false): { codec: AudioCodec; decoded: number[]; concealed: [samples: number, next: number | null][]; closed: () => number } {
  const decoded: number[] = [];
  const concealed: [number, number | null][] = [];
  let closed = 0;
  const codec: AudioCodec = {
    clockRateHz: 8000, channels: 1, stateless, packetDurationsMs: [20], createEncoder: () => ({ encode: () => 0 }),
    createDecoder: () => ({
      samplesIn: (payload) => (payload[0] === 255 ? 0 : 160),
      decode: (payload) => { decoded.push(payload[0]); return new Int16Array(160).fill(payload[0]); },
      conceal: (samples, next) => { concealed.push([samples, next && next[0]]); return new Int16Array(samples).fill(900 + concealed.length); },
      close: () => { closed++; },
    }),
  };
  return { codec, decoded, concealed, closed: () => closed };
}

const newIntake = (codec: AudioCodec): AudioIntake => new AudioIntake({ x: codec }, { minDelayMs: 20 });
const packet = (n: number): Uint8Array => Uint8Array.of(n);
/** The value of each frame heard, where it has one. */
function play(intake: AudioIntake, arrivals: readonly (readonly number[])[]): (number | null)[] {
  return arrivals.map((arriving) => {
    for (const n of arriving) intake.push('x', n * 160, packet(n));
    const frame = intake.pull();
    return frame && (frame.every((sample) => sample === frame[0]) ? frame[0] : NaN);
  });
}

describe('AudioIntake', () => {
  it('decodes in the sender\'s order what the network has swapped', () => {
    const { codec, decoded } = recording();
    expect(play(new AudioIntake({ x: codec }, { minDelayMs: 40 }), [[1], [3], [2], [4], [6], [5], [], []])).toEqual([0, 0, 1, 2, 3, 4, 5, 6]);
    expect(decoded).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('makes up a loss from the packet after it, if that is here', () => {
    const { codec, concealed } = recording();
    expect(play(new AudioIntake({ x: codec }, { minDelayMs: 40 }), [[1], [2], [], [4], [5], [6], []])).toEqual([0, 0, 1, 2, 901, 4, 5]);
    expect(concealed).toEqual([[160, 4]]);
  });

  it('makes up a longer loss frame by frame, and not for ever', () => {
    const { codec, concealed } = recording();
    const heard = play(newIntake(codec), [[1], [2], ...Array.from({ length: 20 }, () => [])]);
    expect(concealed).toEqual(Array.from({ length: 10 }, () => [160, null]));
    expect(heard.slice(13).every((value) => value === 0)).toBe(true);
  });

  it('decodes a codec without history at once', () => {
    const { codec, decoded } = recording(true);
    const intake = newIntake(codec);
    intake.push('x', 320, packet(2));
    intake.push('x', 160, packet(1));
    expect(decoded).toEqual([2, 1]);
  });

  it('refuses what is no packet of the codec, and what comes too late', () => {
    const intake = newIntake(recording().codec);
    expect(intake.push('x', 0, packet(255))).toBe(false);
    expect(intake.pull()).toBeNull();
    play(intake, [[5], [6], [7]]);
    expect(intake.push('x', 160, packet(1))).toBe(false);
  });

  it('keeps its own copy of a packet that waits', () => {
    const { codec, decoded } = recording();
    const intake = newIntake(codec);
    const buffer = packet(7);
    intake.push('x', 0, buffer);
    buffer[0] = 99;
    intake.pull();
    intake.pull();
    expect(decoded).toEqual([7]);
  });

  it('goes on with another source, and frees the decoders of the first', () => {
    const { codec, decoded, closed } = recording();
    const intake = newIntake(codec);
    play(intake, [[1], [2]]);
    intake.restart();
    expect(closed()).toBe(1);
    expect(play(intake, [[100], [101], [102]])).toEqual([0, 100, 101]);
    expect(decoded).toEqual([1, 100, 101]);
    intake.close();
    expect(closed()).toBe(2);
  });

  it('whatever comes in whatever order: whole frames, packets decoded in order and once', () => {
    const arrivals = fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 4 }), { minLength: 1, maxLength: 60 });
    fc.assert(fc.property(arrivals, fc.boolean(), (periods, jump) => {
      const { codec, decoded } = recording();
      const intake = newIntake(codec);
      const seen = new Set<number>();
      for (const [period, arriving] of periods.entries()) {
        for (const n of arriving) if (!seen.has(n)) { seen.add(n); intake.push('x', (n * 160 + (jump && n > 50 ? 5_000_000 : 0)) >>> 0, packet(n)); }
        const frame = intake.pull();
        if (frame || period > 0 && seen.size > 0) expect(frame).toHaveLength(160);
      }
      expect(new Set(decoded).size).toBe(decoded.length);
    }));
  });
});
