import type { RecordingStatus } from '@dialfleet/call';
import type { Clock, Logger } from '@dialfleet/kit';
import { recordingKey, type FolderRecordingStore } from '@dialfleet/storage';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface ShelvedRecording { status: RecordingStatus; key: string | null; durationSeconds: number | null }

const WAV_HEADER_BYTES = 44;
/** Stereo, 16 bit, 8 kHz. */
const BYTES_PER_SECOND = 32_000;

/** Where the recordings of live calls are written: at once under their final key, so that a crash leaves a playable file in place. */
export class RecordingShelf {
  private readonly keys = new Map<string, string>();

  constructor(private readonly store: FolderRecordingStore, private readonly clock: Clock, private readonly logger: Logger) {}

  /** Path to record to. */
  async prepare(sessionId: string): Promise<string> {
    const key = recordingKey(sessionId, this.clock.nowMs());
    const path = this.store.pathOf(key);
    await mkdir(dirname(path), { recursive: true });
    this.keys.set(sessionId, key);
    return path;
  }

  /** What became of it once the leg has closed the file. `endedEarly`: it was cut off, what was written is kept. */
  async finish(sessionId: string, expected: boolean, endedEarly = false): Promise<ShelvedRecording> {
    const key = this.keys.get(sessionId);
    this.keys.delete(sessionId);
    if (!expected || key === undefined) return { status: expected ? 'lost' : 'none', key: null, durationSeconds: null };
    try {
      const size = await this.store.sizeBytes(key);
      if (size !== null && size > WAV_HEADER_BYTES) {
        const durationSeconds = Math.round(((size - WAV_HEADER_BYTES) / BYTES_PER_SECOND) * 1000) / 1000;
        return { status: endedEarly ? 'partial' : 'ready', key, durationSeconds };
      }
    } catch (error) { this.logger.error('a recording cannot be read back', { session_id: sessionId, error }); }
    return { status: 'lost', key: null, durationSeconds: null };
  }
}
