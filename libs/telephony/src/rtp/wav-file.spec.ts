import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interleave, parseWav } from '@dialfleet/media';
import { WavFile } from './wav-file.js';

const stereo = { channels: 2, sampleRateHz: 8000 };
const second = (value: number): Uint8Array => interleave(new Int16Array(8000).fill(value), new Int16Array(8000).fill(-value));

describe('WavFile', () => {
  let folder: string;
  const failures: unknown[] = [];
  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'wav-file-')); });
  afterAll(() => rm(folder, { recursive: true }));

  it('is a valid file from its first moment, and keeps batches in order', async () => {
    const path = join(folder, 'a', 'b.wav');
    const file = await WavFile.create(path, stereo, (error) => failures.push(error));
    expect(parseWav(await readFile(path)).channels).toEqual([new Int16Array(0), new Int16Array(0)]);
    for (const value of [1, 2, 3]) file.append(second(value));
    await file.close();
    const [left, right] = parseWav(await readFile(path)).channels;
    expect([left.length, left[0], left[8000], left[16_000], right[23_999]]).toEqual([24_000, 1, 2, 3, -3]);
    expect(failures).toEqual([]);
  });

  it('gives up once, with a playable file, when the disk falls behind by a minute', async () => {
    const path = join(folder, 'slow.wav');
    const slow: unknown[] = [];
    const file = await WavFile.create(path, stereo, (error) => slow.push(error));
    for (let i = 0; i < 80; i++) file.append(second(1));
    await file.close();
    expect(slow).toMatchObject([{ message: expect.stringContaining('too slow') }]);
    expect(parseWav(await readFile(path)).channels).toHaveLength(2);
  });

  it('cannot be created on a full disk', async () => {
    await expect(WavFile.create('/dev/full', stereo, (error) => failures.push(error))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(failures).toEqual([]);
  });
});
