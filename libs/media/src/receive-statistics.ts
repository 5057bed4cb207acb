import { SAMPLES_PER_MS } from './frame.js';
import type { Reception } from './rtcp-session.js';
import { type RtpPacket, sequenceDelta, timestampDelta } from './rtp-packet.js';

/** RFC 3550 Appendix A.1. */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
/** How far back duplicates are recognised. Power of two, at least MAX_MISORDER. */
const HISTORY = 128;
/** A jump of the sender's clock is not jitter. */
const MAX_TRANSIT_CHANGE_MS = 1000;

/**
 * - `fresh`: the next packet, or an earlier one that had not come yet
 * - `duplicate`: came before, or too old to tell
 * - `suspect`: another source or a wild sequence number; believed only when its successor follows
 * - `restart`: the first packet of a (new) stream
 */
export type SequenceVerdict = 'fresh' | 'duplicate' | 'suspect' | 'restart';

export interface ReceiveReport {
  packetsReceived: number;
  packetsLost: number;
  packetsLateOrDuplicate: number;
  /** Interarrival jitter, RFC 3550 §6.4.1. */
  jitterMs: number;
}

interface Stream { ssrc: number; first: number; highest: number; received: number }

/** Follows one source's sequence numbers and counts loss and jitter (RFC 3550 §6.4.1, Appendix A.1, A.3, A.8). */
export class ReceiveStatistics {
  private stream: Stream | null = null;
  private suspect: { ssrc: number; next: number } | null = null;
  private readonly seen = new Int32Array(HISTORY).fill(-1);
  private lastTransit: { nowMs: number; rtpTimestamp: number } | null = null;
  private lostInEarlierStreams = 0;
  private packetsReceived = 0;
  private discarded = 0;
  private late = 0;
  private jitterSamples = 0;

  /** `timed`: the packet's timestamp says when it was sent (not so for telephone events). */
  receive(packet: Pick<RtpPacket, 'ssrc' | 'sequenceNumber' | 'rtpTimestamp'>, nowMs: number, timed = true): SequenceVerdict {
    const verdict = this.judge(packet.ssrc, packet.sequenceNumber);
    this.packetsReceived++;
    if (verdict === 'duplicate' || verdict === 'suspect') {
      this.discarded++;
      return verdict;
    }
    if (timed) this.measureJitter(packet.rtpTimestamp, nowMs);
    return verdict;
  }

  /** A fresh packet missed its playout. */
  countLate(): void {
    this.discarded++;
    this.late++;
  }

  report(): ReceiveReport {
    return {
      packetsReceived: this.packetsReceived, packetsLost: this.lostInEarlierStreams + this.lostInStream(),
      packetsLateOrDuplicate: this.discarded, jitterMs: this.jitterSamples / SAMPLES_PER_MS,
    };
  }

  /** Of the packets that should have come: lost, or too late to be played. 0 to 1. */
  lossShare(): number {
    const { packetsReceived, packetsLost, packetsLateOrDuplicate } = this.report();
    const expected = packetsReceived - packetsLateOrDuplicate + this.late + packetsLost;
    return expected > 0 ? Math.min(1, Math.max(0, (packetsLost + this.late) / expected)) : 0;
  }

  /** The stream as a report block tells it; `null` before the first packet. */
  reception(): Reception | null {
    const { stream } = this;
    if (!stream) return null;
    return {
      ssrc: stream.ssrc, expected: stream.highest - stream.first + 1, received: stream.received,
      // Counting began one wrap up.
      highestSequence: stream.highest - 0x10000, jitterMs: this.jitterSamples / SAMPLES_PER_MS,
    };
  }

  private judge(ssrc: number, sequenceNumber: number): SequenceVerdict {
    const { stream } = this;
    if (!stream) return this.restart(ssrc, sequenceNumber);
    const delta = sequenceDelta(sequenceNumber, stream.highest & 0xffff);
    if (stream.ssrc !== ssrc || delta >= MAX_DROPOUT || delta <= -MAX_DROPOUT) return this.question(ssrc, sequenceNumber);
    this.suspect = null;
    const slot = sequenceNumber & (HISTORY - 1);
    if (delta < -MAX_MISORDER || this.seen[slot] === sequenceNumber) return 'duplicate';
    this.seen[slot] = sequenceNumber;
    stream.received++;
    stream.first = Math.min(stream.first, stream.highest + delta);
    stream.highest = Math.max(stream.highest, stream.highest + delta);
    return 'fresh';
  }

  private question(ssrc: number, sequenceNumber: number): SequenceVerdict {
    const { suspect } = this;
    if (suspect?.ssrc === ssrc && suspect.next === sequenceNumber) return this.restart(ssrc, sequenceNumber);
    this.suspect = { ssrc, next: (sequenceNumber + 1) & 0xffff };
    return 'suspect';
  }

  private restart(ssrc: number, sequenceNumber: number): SequenceVerdict {
    this.lostInEarlierStreams += this.lostInStream();
    // Counted from one wrap up, so that an earlier packet that comes second stays positive.
    const first = sequenceNumber + 0x10000;
    this.stream = { ssrc, first, highest: first, received: 1 };
    this.suspect = null;
    this.lastTransit = null;
    this.seen.fill(-1);
    this.seen[sequenceNumber & (HISTORY - 1)] = sequenceNumber;
    return 'restart';
  }

  private lostInStream(): number {
    const { stream } = this;
    return stream ? stream.highest - stream.first + 1 - stream.received : 0;
  }

  private measureJitter(rtpTimestamp: number, nowMs: number): void {
    const last = this.lastTransit;
    this.lastTransit = { nowMs, rtpTimestamp };
    if (!last) return;
    const change = Math.abs((nowMs - last.nowMs) * SAMPLES_PER_MS - timestampDelta(rtpTimestamp, last.rtpTimestamp));
    if (change < MAX_TRANSIT_CHANGE_MS * SAMPLES_PER_MS) this.jitterSamples += (change - this.jitterSamples) / 16;
  }
}
