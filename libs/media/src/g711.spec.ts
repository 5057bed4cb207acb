import { describe, expect, it } from '@jest/globals';
import * as oracle from 'alawmulaw';
import { decodeG711, encodeG711, type G711Law } from './g711.js';

const everyCode = Uint8Array.from({ length: 256 }, (_, i) => i);
const everySample = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);

const encodeAll = (law: G711Law, pcm: Int16Array): Uint8Array => {
  const out = new Uint8Array(pcm.length);
  encodeG711(law, pcm, out);
  return out;
};

describe('G.711', () => {
  it('decodes every code as the reference implementation does', () => {
    expect(decodeG711('PCMU', everyCode)).toEqual(oracle.mulaw.decode(everyCode));
    expect(decodeG711('PCMA', everyCode)).toEqual(oracle.alaw.decode(everyCode));
  });

  it('encodes every sample to µ-law as the reference implementation does', () => {
    expect(Buffer.compare(encodeAll('PCMU', everySample), oracle.mulaw.encode(everySample))).toBe(0);
  });

  it('encodes every sample to A-law as the reference implementation does, negative ones in one\'s complement', () => {
    // The ITU reference code (G.191 alaw_compress) compands ~sample; the oracle compands -sample.
    const shifted = everySample.map((sample) => (sample < -1 ? sample + 1 : sample));
    const expected = oracle.alaw.encode(shifted);
    expected[32768 - 1] = 0x55;
    expect(Buffer.compare(encodeAll('PCMA', everySample), expected)).toBe(0);
  });

  it('has the decoder output values of ITU-T G.711 Tables 1a and 2a', () => {
    // 14 bit (µ-law) and 13 bit (A-law) values of the tables, scaled to 16 bit.
    expect([...decodeG711('PCMU', Uint8Array.of(0x80, 0x8f, 0xef, 0xff, 0x7f, 0x00))]).toEqual([8031 * 4, 4191 * 4, 33 * 4, 0, 0, -8031 * 4]);
    expect([...decodeG711('PCMA', Uint8Array.of(0xaa, 0xd5, 0x55, 0x2a))]).toEqual([4032 * 8, 8, -8, -4032 * 8]);
  });

  it.each(['PCMU', 'PCMA'] as const)('%s codes survive decoding and encoding', (law) => {
    const again = encodeAll(law, decodeG711(law, everyCode));
    // µ-law has two zeros: 0x7f (negative) comes back as 0xff.
    expect([...again]).toEqual([...everyCode].map((code) => (law === 'PCMU' && code === 0x7f ? 0xff : code)));
  });

  it('writes at an offset', () => {
    const out = new Uint8Array(4).fill(1);
    encodeG711('PCMU', Int16Array.of(0, 0), out, 1);
    expect([...out]).toEqual([1, 0xff, 0xff, 1]);
  });
});
