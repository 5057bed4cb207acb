import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PacketAssembler } from './packet-assembler.js';

const frame = (n: number): Int16Array => Int16Array.from({ length: 160 }, (_, i) => n * 160 + i);
const taken = (packets: PacketAssembler): [timestamp: number, samples: number, first: number][] => {
  const all: [number, number, number][] = [];
  for (let packet = packets.take(); packet; packet = packets.take()) all.push([packet.rtpTimestamp, packet.pcm.length, packet.pcm[0]]);
  return all;
};

describe('PacketAssembler', () => {
  it('loses and repeats nothing, whatever the durations', () => {
    fc.assert(fc.property(fc.constantFrom(10, 20, 30, 40, 50, 60), fc.constantFrom(8000, 48_000), fc.integer({ min: 1, max: 40 }), fc.nat(0xffffffff), (packetMs, clockRateHz, frames, start) => {
      const packets = new PacketAssembler({ packetMs, clockRateHz });
      const ticks = clockRateHz / 8000;
      const heard: [number, number][] = [];
      for (let n = 0; n < frames; n++) {
        packets.add(frame(n), (start + n * 160 * ticks) >>> 0);
        for (const [at, samples, first] of taken(packets)) {
          expect(samples).toBe(packetMs * 8);
          expect(at).toBe((start + first * ticks) >>> 0);
          heard.push([first, samples]);
        }
      }
      packets.flush();
      for (const [, samples, first] of taken(packets)) heard.push([first, samples]);
      expect(heard.reduce((next, [first, samples]) => (first === next ? next + samples : NaN), 0)).toBe(frames * 160);
    }));
  });

  it('sends what is pending on its way before a gap, with its own timestamp', () => {
    const packets = new PacketAssembler({ packetMs: 60, clockRateHz: 8000 });
    packets.add(frame(0), 1000);
    packets.add(frame(2), 1320);
    packets.add(frame(3), 1480);
    packets.add(frame(4), 1640);
    expect(taken(packets)).toEqual([[1000, 160, 0], [1320, 480, 320]]);
  });

  it('forgets on clear', () => {
    const packets = new PacketAssembler({ packetMs: 40, clockRateHz: 8000 });
    packets.add(frame(0), 0);
    packets.clear();
    packets.flush();
    expect(taken(packets)).toEqual([]);
  });
});
