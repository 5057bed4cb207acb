import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildWav, parseWav, WavError, wavHeader } from './wav.js';

const samples = fc.array(fc.integer({ min: -32768, max: 32767 }), { maxLength: 50 });
const chunk = (id: string, body: Uint8Array): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from(id), size, body, Buffer.alloc(body.length & 1)]);
};
const riff = (...chunks: Buffer[]): Buffer => {
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks]);
  return chunk('RIFF', body);
};
const format = (tag: number, channels = 1, bits = 16): Buffer => {
  const body = Buffer.alloc(16);
  body.writeUInt16LE(tag, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(8000, 4);
  body.writeUInt16LE(bits, 14);
  return body;
};

describe('WAV', () => {
  it('has the canonical header', () => {
    const header = Buffer.from(wavHeader({ channels: 2, sampleRateHz: 8000 }, 1000));
    expect(header.toString('latin1', 0, 4) + header.toString('latin1', 8, 16) + header.toString('latin1', 36, 40)).toBe('RIFFWAVEfmt data');
    expect([header.readUInt32LE(4), header.readUInt32LE(16), header.readUInt16LE(20), header.readUInt16LE(22), header.readUInt32LE(24)]).toEqual([1036, 16, 1, 2, 8000]);
    expect([header.readUInt32LE(28), header.readUInt16LE(32), header.readUInt16LE(34), header.readUInt32LE(40)]).toEqual([32000, 4, 16, 1000]);
  });

  it('parses back to what was built, mono and stereo', () => {
    fc.assert(fc.property(samples, samples, (a, b) => {
      const length = Math.min(a.length, b.length);
      const [left, right] = [Int16Array.from(a.slice(0, length)), Int16Array.from(b.slice(0, length))];
      expect(parseWav(buildWav([left, right]))).toEqual({ sampleRateHz: 8000, channels: [left, right] });
      expect(parseWav(buildWav([left], 16000))).toEqual({ sampleRateHz: 16000, channels: [left] });
    }));
  });

  it('reads from any place in a larger buffer', () => {
    const file = buildWav([Int16Array.of(1, 2, 3)]);
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect(parseWav(shifted.subarray(3)).channels).toEqual([Int16Array.of(1, 2, 3)]);
  });

  it('passes over other chunks, odd ones with their padding, and reads the extensible format', () => {
    const extensible = Buffer.concat([format(0xfffe), Buffer.from([22, 0, 16, 0, 4, 0, 0, 0, 1, 0]), Buffer.alloc(14)]);
    const file = riff(chunk('LIST', Buffer.from('odd')), chunk('fmt ', extensible), chunk('fact', Buffer.alloc(4)), chunk('data', Buffer.from([5, 0, 255, 255])));
    expect(parseWav(file)).toEqual({ sampleRateHz: 8000, channels: [Int16Array.of(5, -1)] });
  });

  it('reads what there is of a recording that was cut off', () => {
    const file = buildWav([Int16Array.of(1, 2, 3, 4), Int16Array.of(5, 6, 7, 8)]);
    expect(parseWav(file.subarray(0, 44 + 11)).channels).toEqual([Int16Array.of(1, 2), Int16Array.of(5, 6)]);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['another container', Buffer.from('RIFF0000AVI fmt ')],
    ['no data', riff(chunk('fmt ', format(1)))],
    ['data before the format', riff(chunk('data', Buffer.alloc(2)))],
    ['µ-law', riff(chunk('fmt ', format(7, 1, 8)), chunk('data', Buffer.alloc(2)))],
    ['8 bit', riff(chunk('fmt ', format(1, 1, 8)), chunk('data', Buffer.alloc(2)))],
    ['no channels', riff(chunk('fmt ', format(1, 0)), chunk('data', Buffer.alloc(2)))],
    ['a cut-off format', riff(chunk('fmt ', format(1))).subarray(0, 30)],
  ])('refuses %s', (_, bytes) => { expect(() => parseWav(bytes)).toThrow(WavError); });

  it('throws nothing but WavError on any bytes', () => {
    const wavLike = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 20 }))
      .map(([a, b]) => Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVEfmt '), a, Buffer.from('data'), b]));
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), wavLike), (bytes) => {
      try { parseWav(bytes); } catch (error) { expect(error).toBeInstanceOf(WavError); }
    }), { numRuns: 2000 });
  });
});
