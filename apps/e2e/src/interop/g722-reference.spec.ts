import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { G722Decoder, G722Encoder } from '@dialfleet/media';
import { requireProgram } from '../harness/external-program.js';

const WIDE_RATE_HZ = 16_000;

/** Ten seconds of everything: speech band sweeps at several levels, noise, overload. */
function longInput(): Int16Array {
  let seed = 7;
  let phase = 0;
  return Int16Array.from({ length: 10 * WIDE_RATE_HZ }, (_, i) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
    phase += (2 * Math.PI * (100 + (i % 32_000) / 5)) / WIDE_RATE_HZ;
    const level = [12_000, 300, 40_000, 3000][Math.trunc(i / 24_000) % 4];
    return Math.max(-32_768, Math.min(32_767, Math.round(level * Math.sin(phase) + (seed / 2 ** 31) * (i % 7 === 0 ? 4000 : 200))));
  });
}

const bytesOf = (pcm: Int16Array): Buffer => Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);

describe('G.722 of ffmpeg', () => {
  const ffmpeg = (input: Buffer, ...args: string[]): Buffer => {
    const { stdout, status, stderr } = spawnSync(requireProgram('ffmpeg', 'ffmpeg'), ['-loglevel', 'error', ...args, 'pipe:1'], { input, timeout: 20_000, maxBuffer: 2 ** 24 });
    if (status !== 0) throw new Error(`ffmpeg: ${stderr}`);
    return stdout;
  };

  it('is ours, bit for bit, both ways', () => {
    const pcm = longInput();
    const code = new Uint8Array(pcm.length / 2);
    new G722Encoder().encode(pcm, code);
    const theirs = ffmpeg(bytesOf(pcm), '-f', 's16le', '-ar', '16000', '-ac', '1', '-i', 'pipe:0', '-c:a', 'g722', '-f', 'g722');
    expect(Buffer.compare(Buffer.from(code), theirs)).toBe(0);
    expect(Buffer.compare(bytesOf(new G722Decoder().decode(theirs)), ffmpeg(theirs, '-f', 'g722', '-i', 'pipe:0', '-f', 's16le'))).toBe(0);
  }, 60_000);
});
