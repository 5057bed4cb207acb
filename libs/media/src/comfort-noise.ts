import { timestampDelta } from './rtp-packet.js';

/** RFC 3389; static payload type. */
export const COMFORT_NOISE_PAYLOAD_TYPE = 13;

/** Louder than any room: a descriptor beyond that must neither hurt nor be taken for speech. */
const LOUDEST_DBOV = -30;
/** RMS of 0 dBov (RFC 3389 §3.1). */
const OVERLOAD_RMS = 32_768;

/**
 * Noise at the level that a silence descriptor gives, from its timestamp until the next audio. Its colour (§3.2) is left
 * white.
 */
export class ComfortNoise {
  private noise: { from: number; until: number | null; rms: number } | null = null;
  private random = 1;

  /** A descriptor: its first byte is the level in −dBov; without one the noise is over. */
  describe(rtpTimestamp: number, payload: Uint8Array): void {
    const dbov = Math.min(LOUDEST_DBOV, -(payload[0] & 0x7f));
    this.noise = payload.length === 0 ? null : { from: rtpTimestamp, until: null, rms: OVERLOAD_RMS * 10 ** (dbov / 20) };
  }

  /** Audio begins again at `rtpTimestamp`. */
  audioAt(rtpTimestamp: number): void {
    const { noise } = this;
    if (!noise || timestampDelta(rtpTimestamp, noise.from) <= 0) return;
    if (noise.until === null || timestampDelta(rtpTimestamp, noise.until) < 0) noise.until = rtpTimestamp;
  }

  reset(): void { this.noise = null; }

  /** `null`: not a time of noise. */
  at(rtpTimestamp: number, samples: number): Int16Array | null {
    const { noise } = this;
    if (!noise || timestampDelta(rtpTimestamp, noise.from) < 0 || (noise.until !== null && timestampDelta(rtpTimestamp, noise.until) >= 0)) return null;
    const pcm = new Int16Array(samples);
    // Evenly spread values have 1/√3 of their peak as RMS.
    const scale = (noise.rms * Math.sqrt(3)) / 2 ** 31;
    for (let i = 0; i < samples; i++) {
      this.random = (Math.imul(this.random, 1_664_525) + 1_013_904_223) | 0;
      pcm[i] = Math.round(this.random * scale);
    }
    return pcm;
  }
}
