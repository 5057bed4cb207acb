import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { g722Codec } from './g722-codec.js';
import { G722Decoder, G722Encoder } from './g722.js';
import { rmsLevel, sineWave, toneAmplitude, tonePurity } from './tone.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** 60 ms each of noise, a rising saw tooth, silence, a square wave at full scale, and a faint mixture; whole numbers only. */
function referenceInput(): Int16Array {
  let seed = 1;
  return Int16Array.from({ length: 4800 }, (_, i) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
    const noise = seed >> 20;
    const saw = ((i * (200 + (i >> 2))) & 0xffff) - 32_768;
    return [noise, saw >> 2, 0, i & 32 ? 32_767 : -32_768, (saw >> 5) + (noise >> 3)][Math.trunc(i / 960)];
  });
}

/** What ffmpeg 5.1.9 makes of that input, and of its own code. */
const REFERENCE_CODE = 'e2670c3a58f653c7b1ec028709b7c229907528e7b1880993699040eeefff9af0';
const REFERENCE_AUDIO = '5dc8a0664360d3a249e99b81c345b8e6c438b0a01442a5587e240b4964a4ce8d';

describe('G.722', () => {
  it('codes and decodes bit for bit as the reference does, in blocks of any length', () => {
    const input = referenceInput();
    for (const blockSamples of [4800, 320, 960, 2]) {
      const [encoder, decoder, code] = [new G722Encoder(), new G722Decoder(), new Uint8Array(2400)];
      const audio = new Int16Array(4800);
      for (let at = 0; at < input.length; at += blockSamples) {
        expect(encoder.encode(input.subarray(at, at + blockSamples), code, at / 2)).toBe(blockSamples / 2);
        audio.set(decoder.decode(code.subarray(at / 2, (at + blockSamples) / 2)), at);
      }
      expect(sha256(code)).toBe(REFERENCE_CODE);
      expect(sha256(new Uint8Array(audio.buffer))).toBe(REFERENCE_AUDIO);
    }
  });

  it('decodes any bytes', () => {
    const decoder = new G722Decoder();
    const bytes = Uint8Array.from({ length: 4096 }, (_, i) => (i * 167 + (i >> 3)) & 0xff);
    expect(decoder.decode(bytes)).toHaveLength(8192);
    expect(decoder.decode(new Uint8Array(0))).toHaveLength(0);
  });
});

describe('the G.722 codec', () => {
  /** What is heard of `pcm`, block by block. */
  const through = (pcm: Int16Array, blockSamples = 160): Int16Array => {
    const [encoder, decoder, out] = [g722Codec.createEncoder({}), g722Codec.createDecoder(), new Uint8Array(blockSamples)];
    const heard = new Int16Array(pcm.length);
    for (let at = 0; at < pcm.length; at += blockSamples) {
      const bytes = encoder.encode(pcm.subarray(at, at + blockSamples), out, 0);
      expect(bytes).toBe(decoder.samplesIn(out.subarray(0, bytes)));
      heard.set(decoder.decode(out.subarray(0, bytes)), at);
    }
    return heard;
  };

  it.each([300, 1000, 2000, 3000, 3400])('lets telephone audio of %d Hz through as it is', (frequencyHz) => {
    const heard = through(sineWave({ frequencyHz, durationMs: 500 })).subarray(800, 3200);
    expect(tonePurity(heard, frequencyHz)).toBeGreaterThan(0.999);
    expect(toneAmplitude(heard, frequencyHz)).toBeGreaterThan(7500);
    expect(toneAmplitude(heard, frequencyHz)).toBeLessThan(8500);
  });

  it.each([80, 240, 480])('takes blocks of %d samples', (blockSamples) => {
    expect(tonePurity(through(sineWave({ frequencyHz: 1000, durationMs: 300 }), blockSamples).subarray(480), 1000)).toBeGreaterThan(0.999);
  });

  it('does not fold what is above the telephone band into it', () => {
    const wide = sineWave({ frequencyHz: 6000, durationMs: 500, sampleRateHz: 16_000 });
    const code = new Uint8Array(wide.length / 2);
    new G722Encoder().encode(wide, code);
    expect(rmsLevel(g722Codec.createDecoder().decode(code).subarray(800))).toBeLessThan(30);
  });
});
