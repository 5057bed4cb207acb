import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { FolderRecordingStore } from '@dialfleet/storage';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { RecordingShelf } from './recording-shelf.js';

const HEADER_BYTES = 44;
const TWO_SECONDS_BYTES = 64_000;

describe('RecordingShelf', () => {
  let folder: string;
  let shelf: RecordingShelf;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dialfleet-shelf-'));
    shelf = new RecordingShelf(new FolderRecordingStore(folder), new VirtualClock(), silentLogger);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['whole', HEADER_BYTES + TWO_SECONDS_BYTES, false, { status: 'ready', durationSeconds: 2 }],
    ['cut off after something was written', HEADER_BYTES + TWO_SECONDS_BYTES, true, { status: 'partial', durationSeconds: 2 }],
    ['cut off before anything was written', HEADER_BYTES, true, { status: 'lost', key: null, durationSeconds: null }],
    ['empty', 0, false, { status: 'lost', key: null }],
    ['gone', null, false, { status: 'lost', key: null }],
  ])('%s', async (name, sizeBytes, endedEarly, expected) => {
    const sessionId = `session-${name.replaceAll(' ', '-')}`;
    const path = await shelf.prepare(sessionId);
    expect(await readdir(dirname(path))).not.toContain(`${sessionId}.wav`);
    if (sizeBytes !== null) await writeFile(path, Buffer.alloc(sizeBytes));
    const shelved = await shelf.finish(sessionId, true, endedEarly);
    expect(shelved).toMatchObject(expected);
    if (shelved.key !== null) expect(join(folder, shelved.key)).toBe(path);
  });

  it('has nothing of a call that was not to be recorded, and lost one that never began', async () => {
    expect(await shelf.finish('not-recorded', false)).toEqual({ status: 'none', key: null, durationSeconds: null });
    expect(await shelf.finish('never-begun', true)).toMatchObject({ status: 'lost', key: null });
  });
});
