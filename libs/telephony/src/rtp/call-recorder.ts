import { FRAME_SAMPLES, SAMPLE_RATE_HZ, StereoRecording } from '@dialfleet/media';
import { WavFile } from './wav-file.js';

const SILENCE = new Int16Array(FRAME_SAMPLES);

/** Both directions of one call into a stereo WAV file: customer left, bot right, on the playout clock. */
export class CallRecorder {
  private readonly recording = new StereoRecording();
  private startMs: number | null = null;

  private constructor(private readonly file: WavFile) {}

  /** Rejects when the file cannot be created. `onFailure`: a later write failed, the file holds what came before. */
  static async create(filePath: string, onFailure: (error: unknown) => void): Promise<CallRecorder> {
    return new CallRecorder(await WavFile.create(filePath, { channels: 2, sampleRateHz: SAMPLE_RATE_HZ }, onFailure));
  }

  /** One playout period; `null` is silence. The first one is the beginning of the recording. */
  frame(deadlineMs: number, customer: Int16Array | null, bot: Int16Array | null): void {
    this.startMs ??= deadlineMs;
    const offsetMs = deadlineMs - this.startMs;
    for (let batch = this.recording.cut(offsetMs); batch; batch = this.recording.cut(offsetMs)) this.file.append(batch);
    if (customer) this.recording.write('customer', offsetMs, customer);
    this.recording.write('bot', offsetMs, bot ?? SILENCE);
  }

  /** Resolves when the file is complete. */
  async close(): Promise<void> {
    for (let batch = this.recording.flush(); batch; batch = this.recording.flush()) this.file.append(batch);
    await this.file.close();
  }
}
