import { SAMPLE_RATE_HZ, SAMPLES_PER_MS } from './frame.js';
import { interleave } from './wav.js';

export type RecordingTrack = 'customer' | 'bot';

const BATCH_SAMPLES = SAMPLE_RATE_HZ;
/** A batch is cut this long after its end: playout may run late by as much. */
const SLACK_SAMPLES = 200 * SAMPLES_PER_MS;

/**
 * Two tracks on one wall-clock axis (customer left, bot right), cut into batches of one second for the disk.
 *
 * Audio is placed by its time since the recording began, not appended: what nobody wrote is silence, so gaps never
 * collapse and the tracks never drift apart.
 */
export class StereoRecording {
  private tracks = { customer: emptyTrack(), bot: emptyTrack() };
  /** Position of the first sample of `tracks`. */
  private base = 0;
  private end = 0;

  /** Samples recorded so far, both cut and pending. */
  get lengthSamples(): number { return Math.max(this.base, this.end); }

  /** Places audio at `offsetMs` since the recording began. What was already cut is left out; later audio wins where two overlap. */
  write(track: RecordingTrack, offsetMs: number, pcm: Int16Array): void {
    const at = Math.round(offsetMs * SAMPLES_PER_MS) - this.base;
    const audible = at < 0 ? pcm.subarray(-at) : pcm;
    if (audible.length === 0) return;
    const start = Math.max(0, at);
    this.ensure(start + audible.length);
    this.tracks[track].set(audible, start);
    this.end = Math.max(this.end, this.base + start + audible.length);
  }

  /** The next whole second as WAV data (interleaved, little-endian), once `nowMs` since the beginning is safely past it; else `null`. */
  cut(nowMs: number): Uint8Array | null {
    return nowMs * SAMPLES_PER_MS < this.base + BATCH_SAMPLES + SLACK_SAMPLES ? null : this.take(BATCH_SAMPLES);
  }

  /** Everything left, up to the last sample written. Call it until it gives `null`. */
  flush(): Uint8Array | null {
    const left = Math.min(BATCH_SAMPLES, this.end - this.base);
    return left > 0 ? this.take(left) : null;
  }

  private take(samples: number): Uint8Array {
    this.ensure(samples);
    const { customer, bot } = this.tracks;
    const batch = interleave(customer.subarray(0, samples), bot.subarray(0, samples));
    for (const track of [customer, bot]) {
      track.copyWithin(0, samples);
      track.fill(0, track.length - samples);
    }
    this.base += samples;
    return batch;
  }

  private ensure(samples: number): void {
    if (samples <= this.tracks.customer.length) return;
    const length = Math.ceil(samples / BATCH_SAMPLES) * BATCH_SAMPLES;
    this.tracks = { customer: grown(this.tracks.customer, length), bot: grown(this.tracks.bot, length) };
  }
}

const emptyTrack = (): Int16Array => new Int16Array(BATCH_SAMPLES + 2 * SLACK_SAMPLES);

function grown(track: Int16Array, length: number): Int16Array {
  const longer = new Int16Array(length);
  longer.set(track);
  return longer;
}
