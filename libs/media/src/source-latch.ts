import { sequenceDelta } from './rtp-packet.js';

export interface MediaSource { address: string; port: number }

/**
 * - `accepted`: from the source we listen to
 * - `candidate`: no source is chosen yet, and this one has not proved itself
 * - `foreign`: another source is chosen
 */
export type LatchVerdict = 'accepted' | 'candidate' | 'foreign';

interface Candidate { ssrc: number; sequenceNumber: number; packets: number }

const PACKETS_TO_PROVE = 3;
const MAX_CANDIDATES = 16;

const isSame = (a: MediaSource | null, b: MediaSource): boolean => a !== null && a.port === b.port && a.address === b.address;

/**
 * Symmetric RTP (RFC 4961): decides whose packets count and where ours go.
 *
 * The address of the SDP is believed at once and always. Any other source (a customer behind NAT) is latched once it has
 * sent three packets in sequence while the SDP address was silent, and holds until signalling names another remote:
 * a stranger who sends into the port can neither take the call over nor be heard.
 */
export class SourceLatch {
  private signalled: MediaSource | null = null;
  private latched: MediaSource | null = null;
  private candidates = new Map<string, Candidate>();

  /** Where our packets go: the latched source, else the address of the SDP. */
  get destination(): MediaSource | null { return this.latched ?? this.signalled; }
  get isLatched(): boolean { return this.latched !== null; }

  /** The remote of an SDP. The same remote again keeps the latch. */
  setSignalled(remote: MediaSource): void {
    if (isSame(this.signalled, remote)) return;
    this.signalled = { address: remote.address, port: remote.port };
    this.latched = null;
    this.candidates.clear();
  }

  judge(source: MediaSource, ssrc: number, sequenceNumber: number): LatchVerdict {
    if (isSame(this.latched, source)) return 'accepted';
    if (isSame(this.signalled, source)) return this.latch(source);
    if (this.latched) return 'foreign';
    return this.signalled && this.hasProved(source, ssrc, sequenceNumber) ? this.latch(source) : 'candidate';
  }

  private latch(source: MediaSource): LatchVerdict {
    this.latched = { address: source.address, port: source.port };
    this.candidates.clear();
    return 'accepted';
  }

  private hasProved(source: MediaSource, ssrc: number, sequenceNumber: number): boolean {
    const key = `${source.address}:${source.port}`;
    const known = this.candidates.get(key);
    const step = known?.ssrc === ssrc ? sequenceDelta(sequenceNumber, known.sequenceNumber) : 0;
    const packets = known && step >= 1 && step <= 3 ? known.packets + 1 : 1;
    if (!known && this.candidates.size >= MAX_CANDIDATES) return false;
    this.candidates.set(key, { ssrc, sequenceNumber, packets });
    return packets >= PACKETS_TO_PROVE;
  }
}
