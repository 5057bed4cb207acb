import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderRecordingStore, recordingKey } from './recording-store.js';

describe('the recording folder', () => {
  let folder: string;
  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'dialfleet-recordings-')); });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('adopts a finished file and serves parts of it', async () => {
    const store = new FolderRecordingStore(join(folder, 'store'));
    await writeFile(join(folder, 'call.wav'), '0123456789');
    const key = recordingKey('0190-x', Date.UTC(2026, 10, 2));
    expect(key).toBe('2026/11/02/0190-x.wav');
    await store.adopt(join(folder, 'call.wav'), key);
    const opened = await store.openRead(key, (size) => ({ start: size - 4, end: size - 1 }));
    const chunks: Buffer[] = [];
    for await (const chunk of opened?.stream ?? []) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('6789');
  });
  it('knows what it does not have, and never leaves its folder', async () => {
    const store = new FolderRecordingStore(folder);
    expect(await store.openRead('2026/01/01/none.wav')).toBeNull();
    await expect(store.openRead('../../etc/passwd')).rejects.toThrow('leaves its folder');
  });
});
