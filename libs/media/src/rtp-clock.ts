import { SAMPLE_RATE_HZ } from './frame.js';
import { timestampDelta } from './rtp-packet.js';

/**
 * RTP timestamps of any clock rate as positions in 8 kHz samples, continuous across the wrap of the 32 bit timestamp
 * (which is no multiple of the ratio).
 */
export class RtpClock {
  private readonly ticksPerSample: number;
  private last: number | null = null;
  private ticks = 0;

  constructor(clockRateHz: number) { this.ticksPerSample = clockRateHz / SAMPLE_RATE_HZ; }

  samplesAt(rtpTimestamp: number): number {
    if (this.ticksPerSample === 1) return rtpTimestamp;
    this.ticks = this.last === null ? rtpTimestamp : this.ticks + timestampDelta(rtpTimestamp, this.last);
    this.last = rtpTimestamp;
    return Math.floor(this.ticks / this.ticksPerSample) >>> 0;
  }
}
