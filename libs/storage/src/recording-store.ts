import { createReadStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import type { Readable } from 'node:stream';

export interface ByteRange { start: number; /** Inclusive. */ end: number }
export interface OpenedRecording { sizeBytes: number; range: ByteRange; stream: Readable }

/** Where finished recordings live: a folder here; an object store implements the same three methods. */
export interface RecordingStore {
  /** Takes over a finished file under `key`. */
  adopt(localFile: string, key: string): Promise<void>;
  sizeBytes(key: string): Promise<number | null>;
  /** Null when there is no such recording. `pick` chooses the range once the size is known. */
  openRead(key: string, pick?: (sizeBytes: number) => ByteRange): Promise<OpenedRecording | null>;
}

/** `2026/11/22/<session_id>.wav`: one folder a day keeps listings short. */
export const recordingKey = (sessionId: string, startedAtMs: number): string =>
  `${new Date(startedAtMs).toISOString().slice(0, 10).replaceAll('-', '/')}/${sessionId}.wav`;

export class FolderRecordingStore implements RecordingStore {
  constructor(readonly folder: string) {}

  /** Path of a key inside the folder. @throws Error for keys that would leave it. */
  pathOf(key: string): string {
    const relative = normalize(key);
    if (relative.startsWith('..') || relative.startsWith(sep)) throw new Error('recording key leaves its folder');
    return join(this.folder, relative);
  }

  async adopt(localFile: string, key: string): Promise<void> {
    const target = this.pathOf(key);
    if (target === localFile) return;
    await mkdir(dirname(target), { recursive: true });
    await rename(localFile, target);
  }

  async sizeBytes(key: string): Promise<number | null> {
    try { return (await stat(this.pathOf(key))).size; } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async openRead(key: string, pick: (sizeBytes: number) => ByteRange = (size) => ({ start: 0, end: size - 1 })): Promise<OpenedRecording | null> {
    const sizeBytes = await this.sizeBytes(key);
    if (sizeBytes === null) return null;
    const range = pick(sizeBytes);
    return { sizeBytes, range, stream: createReadStream(this.pathOf(key), { start: range.start, end: range.end }) };
  }
}
