import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { wavHeader, WAV_HEADER_BYTES, type WavFormat } from '@dialfleet/media';

/** A disk that falls behind by more than this (a minute of stereo at 8 kHz) ends the recording rather than fill memory. */
const MAX_QUEUED_BYTES = 2_000_000;

/**
 * A WAV file that grows. After each batch the header is written again with the new length, so the file plays up to its
 * last batch even when the process is killed.
 */
export class WavFile {
  private dataBytes = 0;
  private queuedBytes = 0;
  private tail: Promise<void> = Promise.resolve();
  private failed = false;

  private constructor(private readonly handle: FileHandle, private readonly format: WavFormat, private readonly onFailure: (error: unknown) => void) {}

  /**
   * Creates (or empties) the file, and its folder. `onFailure` is called once when a later write fails; what comes after
   * is dropped. Rejects when the file cannot be created.
   */
  static async create(path: string, format: WavFormat, onFailure: (error: unknown) => void): Promise<WavFile> {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, 'w', 0o640);
    const file = new WavFile(handle, format, onFailure);
    try {
      await file.writeHeader();
    } catch (error) {
      await handle.close();
      throw error;
    }
    return file;
  }

  /** Queues sample data (interleaved, little-endian); batches reach the disk in order. */
  append(data: Uint8Array): void {
    this.queuedBytes += data.length;
    if (this.queuedBytes > MAX_QUEUED_BYTES) this.fail(new Error('the disk is too slow for the recording'));
    this.tail = this.tail.then(() => this.write(data));
  }

  /** Resolves when everything is in the file. Never rejects. */
  async close(): Promise<void> {
    await this.tail;
    await this.handle.close().catch((error: unknown) => this.fail(error));
  }

  private async write(data: Uint8Array): Promise<void> {
    this.queuedBytes -= data.length;
    if (this.failed) return;
    try {
      await this.writeAt(data, WAV_HEADER_BYTES + this.dataBytes);
      this.dataBytes += data.length;
      await this.writeHeader();
    } catch (error) {
      this.fail(error);
    }
  }

  private async writeAt(data: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < data.length;) {
      const { bytesWritten } = await this.handle.write(data, done, data.length - done, position + done);
      done += bytesWritten;
    }
  }

  private writeHeader(): Promise<void> { return this.writeAt(wavHeader(this.format, this.dataBytes), 0); }

  private fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.onFailure(error);
  }
}
