import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@dialfleet/kit';
import { rmsLevel, sineWave, tonePurity } from '@dialfleet/media';
import fc from 'fast-check';
import { libopus } from './libopus.js';
import { opusCodec, warmUpOpus } from './opus-codec.js';
import { opusPacketSamples } from './opus-packet.js';

/** A voice to a speech codec: a gliding pitch with many harmonics, in syllables. */
function hum(durationMs: number): Int16Array {
  let phase = 0;
  return Int16Array.from({ length: durationMs * 8 }, (_, i) => {
    phase += (2 * Math.PI * (120 + 40 * Math.sin(i / 6000))) / 8000;
    const syllable = Math.max(0, Math.sin((2 * Math.PI * i) / 2400));
    return Math.round(2500 * syllable * (Math.sin(phase) + Math.sin(3 * phase) + 0.8 * Math.sin(5 * phase) + 0.6 * Math.sin(9 * phase)));
  });
}

function encodeAll(pcm: Int16Array, blockSamples: number, parameters: Record<string, string> = {}): Uint8Array[] {
  const encoder = opusCodec.createEncoder(parameters);
  const out = new Uint8Array(1500);
  const packets: Uint8Array[] = [];
  for (let at = 0; at + blockSamples <= pcm.length; at += blockSamples) packets.push(out.slice(12, 12 + encoder.encode(pcm.subarray(at, at + blockSamples), out, 12)));
  encoder.close?.();
  return packets;
}

const join = (frames: readonly Int16Array[]): Int16Array => Int16Array.from(frames.flatMap((frame) => [...frame]));

describe('Opus', () => {
  it.each(opusCodec.packetDurationsMs)('carries a tone in packets of %d ms', (packetMs) => {
    const packets = encodeAll(sineWave({ frequencyHz: 1000, durationMs: 1200 }), packetMs * 8);
    const decoder = opusCodec.createDecoder();
    for (const packet of packets) expect(decoder.samplesIn(packet)).toBe(packetMs * 8);
    expect(tonePurity(join(packets.map((packet) => decoder.decode(packet))).subarray(2400), 1000)).toBeGreaterThan(0.99);
    decoder.close?.();
  });

  it('keeps to the rate that the far end can take', () => {
    const rateOf = (parameters: Record<string, string>): number => encodeAll(hum(4000), 160, parameters).reduce((sum, packet) => sum + packet.length, 0) * 8 / 4;
    const [usual, limited, absurd] = [rateOf({}), rateOf({ maxaveragebitrate: '8000' }), rateOf({ maxaveragebitrate: '1' })];
    expect(usual).toBeLessThan(26_000);
    expect(limited).toBeLessThan(10_000);
    expect(absurd).toBeLessThan(10_000);
    expect(new Set(encodeAll(hum(1000), 160, { cbr: '1' }).map((packet) => packet.length)).size).toBe(1);
  });

  it('makes up a loss out of the packet after it, where the far end can: closer than a guess', () => {
    const packets = encodeAll(hum(4000), 160, { useinbandfec: '1' });
    const reference = opusCodec.createDecoder();
    const clean = packets.map((packet) => reference.decode(packet));
    const errorWith = (nextOf: (i: number) => Uint8Array | null): number => {
      const decoder = opusCodec.createDecoder();
      const random = seededRandom(5);
      return rmsLevel(join(packets.slice(0, -1).map((packet, i) => {
        const heard = random() < 0.1 && i > 5 ? decoder.conceal?.(160, nextOf(i)) as Int16Array : decoder.decode(packet);
        return heard.map((sample, k) => (sample - clean[i][k]) / 2);
      })));
    };
    expect(errorWith((i) => packets[i + 1])).toBeLessThan(errorWith(() => null) / 2);
  });

  it('conceals with a fading voice, and only durations that Opus has', () => {
    const decoder = opusCodec.createDecoder();
    for (const packet of encodeAll(hum(300), 160)) decoder.decode(packet);
    expect(decoder.conceal?.(161, null)).toBeNull();
    expect(decoder.conceal?.(80, null)).toHaveLength(80);
    const levels = Array.from({ length: 30 }, () => rmsLevel(decoder.conceal?.(160, null) as Int16Array));
    expect(levels[29]).toBeLessThan(levels[0] / 4 + 1);
  });

  it('takes any bytes for a packet or for none', () => {
    const decoder = opusCodec.createDecoder();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const pcm = decoder.decode(bytes);
      expect([0, opusPacketSamples(bytes)]).toContain(pcm.length);
    }), { numRuns: 500 });
    expect(decoder.decode(new Uint8Array(5000))).toHaveLength(0);
    expect(decoder.decode(encodeAll(hum(20), 160)[0])).toHaveLength(160);
  });

  it('is warmed up without anything left of it', () => {
    const place = (): number => {
      const decoder = libopus().newDecoder();
      libopus().free(decoder);
      return decoder;
    };
    const before = place();
    warmUpOpus();
    expect(place()).toBe(before);
  });

  it('a coder that is closed leaves its place to the next', () => {
    const settings = { bitsPerSecond: 24_000, complexity: 5, expectedLossPercent: 0, constantBitRate: false };
    const places = Array.from({ length: 200 }, () => {
      const [encoder, decoder] = [libopus().newEncoder(settings), libopus().newDecoder()];
      libopus().free(encoder);
      libopus().free(decoder);
      return encoder;
    });
    expect(new Set(places).size).toBe(1);
  });
});

describe('opusPacketSamples', () => {
  it.each([
    ['nothing', [], 0], ['SILK 10 ms', [0x00], 80], ['SILK 60 ms', [3 << 3], 480], ['hybrid 20 ms', [13 << 3], 160], ['CELT 2.5 ms', [16 << 3], 20], ['two of 20 ms', [(1 << 3) | 1], 320],
    ['three of 20 ms', [(1 << 3) | 3, 3], 480], ['three of 60 ms, too long', [(3 << 3) | 3, 3], 0], ['a count that is missing', [3], 0], ['no frames', [3, 0], 0],
  ])('%s', (_name, bytes, samples) => { expect(opusPacketSamples(Uint8Array.from(bytes))).toBe(samples); });
});
