import { SAMPLES_PER_MS } from './frame.js';

export interface AudioPacket { pcm: Int16Array; rtpTimestamp: number }

/** Cuts 20 ms frames into packets of another duration: several frames in one, or one frame in two. */
export class PacketAssembler {
  private readonly packetSamples: number;
  private readonly ticksPerSample: number;
  private readonly ready: AudioPacket[] = [];
  private pending: Int16Array = new Int16Array(0);
  /** Of the first pending sample. */
  private pendingTimestamp = 0;

  constructor({ packetMs, clockRateHz }: { packetMs: number; clockRateHz: number }) {
    this.packetSamples = packetMs * SAMPLES_PER_MS;
    this.ticksPerSample = clockRateHz / (1000 * SAMPLES_PER_MS);
  }

  /** A frame and the RTP timestamp of its first sample. One that does not follow the last lets go what is pending. */
  add(frame: Int16Array, rtpTimestamp: number): void {
    if (this.pending.length > 0 && this.timestampAfter(this.pending.length) !== rtpTimestamp) this.flush();
    if (this.pending.length === 0) {
      this.pendingTimestamp = rtpTimestamp;
      this.pending = frame;
    } else this.pending = joined(this.pending, frame);
    while (this.pending.length >= this.packetSamples) this.cut(this.packetSamples);
  }

  /** No audio follows for a while: what is pending goes out as a shorter packet. */
  flush(): void { if (this.pending.length > 0) this.cut(this.pending.length); }

  clear(): void {
    this.pending = new Int16Array(0);
    this.ready.length = 0;
  }

  /** The next packet that is complete. */
  take(): AudioPacket | null { return this.ready.shift() ?? null; }

  private cut(samples: number): void {
    this.ready.push({ pcm: this.pending.subarray(0, samples), rtpTimestamp: this.pendingTimestamp });
    this.pendingTimestamp = this.timestampAfter(samples);
    this.pending = this.pending.subarray(samples);
  }

  private timestampAfter(samples: number): number { return (this.pendingTimestamp + samples * this.ticksPerSample) >>> 0; }
}

function joined(head: Int16Array, tail: Int16Array): Int16Array {
  const all = new Int16Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}
