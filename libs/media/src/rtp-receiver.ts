import type { AudioCodecs, AudioDecoder, ReceiveFormats } from './audio-codec.js';
import { DtmfReceiver } from './dtmf-event.js';
import { JitterBuffer, type JitterBufferOptions } from './jitter-buffer.js';
import { type ReceiveReport, ReceiveStatistics } from './receive-statistics.js';
import type { Reception } from './rtcp-session.js';
import { parseRtpPacket, type RtpPacket } from './rtp-packet.js';
import { type MediaSource, SourceLatch } from './source-latch.js';

/** RFC 3389; static payload type. */
const COMFORT_NOISE_PAYLOAD_TYPE = 13;

/** What a datagram was. `accepted`: a packet of the far end (it counts as a sign of life), even if it holds no audio. */
export interface Received { accepted: boolean; digit: string | null }

const IGNORED: Received = { accepted: false, digit: null };
const ACCEPTED: Received = { accepted: true, digit: null };

type PayloadKind = { audio: AudioDecoder } | 'telephoneEvent' | 'comfortNoise';

/** The receiving half of an RTP session without its socket: latch → sequence → telephone events or jitter buffer. */
export class RtpReceiver {
  readonly latch = new SourceLatch();
  private readonly statistics = new ReceiveStatistics();
  private readonly jitterBuffer: JitterBuffer;
  private readonly dtmf = new DtmfReceiver();
  private kinds: Map<number, PayloadKind> | null = null;
  private packetsForeign = 0;

  constructor(private readonly codecs: AudioCodecs, options?: JitterBufferOptions) { this.jitterBuffer = new JitterBuffer(options); }

  /** Static payload types are understood whatever was negotiated: some gateways send another codec than they agreed to. */
  setFormats(formats: ReceiveFormats): void {
    const kinds = new Map<number, PayloadKind>([[COMFORT_NOISE_PAYLOAD_TYPE, 'comfortNoise']]);
    for (const codec of Object.values(this.codecs)) if (codec.staticPayloadType !== undefined) kinds.set(codec.staticPayloadType, { audio: codec.createDecoder() });
    for (const payloadType of formats.comfortNoise ?? []) kinds.set(payloadType, 'comfortNoise');
    for (const { payloadType } of formats.telephoneEvents) kinds.set(payloadType, 'telephoneEvent');
    for (const { payloadType, name } of formats.audio) kinds.set(payloadType, { audio: this.codecs[name].createDecoder() });
    this.kinds = kinds;
  }

  /** `nowMs` is monotonic. Never throws, whatever the bytes. */
  receive(datagram: Uint8Array, source: MediaSource, nowMs: number): Received {
    const packet = parseRtpPacket(datagram);
    const kind = packet && this.kinds?.get(packet.payloadType);
    if (!packet || !kind) return IGNORED;
    const latch = this.latch.judge(source, packet.ssrc, packet.sequenceNumber);
    if (latch === 'foreign') this.packetsForeign++;
    if (latch !== 'accepted') return IGNORED;
    const verdict = this.statistics.receive(packet, nowMs, kind !== 'telephoneEvent');
    if (verdict === 'duplicate' || verdict === 'suspect') return ACCEPTED;
    if (verdict === 'restart') this.restart();
    return this.deliver(packet, kind);
  }

  /** One frame of the far end's voice; call every 20 ms. `null` until its first audio. */
  pull(): Int16Array | null { return this.jitterBuffer.pull(); }

  report(): ReceiveReport & { packetsForeign: number } {
    return { ...this.statistics.report(), packetsForeign: this.packetsForeign };
  }

  /** For reports to the far end. */
  reception(): Reception | null { return this.statistics.reception(); }

  /** Lost, or too late to be played, of what should have come: 0 to 1. */
  lossShare(): number { return this.statistics.lossShare(); }

  private deliver(packet: RtpPacket, kind: PayloadKind): Received {
    if (kind === 'telephoneEvent') {
      const digit = this.dtmf.receive(packet.rtpTimestamp, packet.payload);
      return digit === null ? ACCEPTED : { accepted: true, digit };
    }
    if (kind === 'comfortNoise' || packet.payload.length === 0) return ACCEPTED;
    if (!this.jitterBuffer.push(packet.rtpTimestamp, kind.audio.decode(packet.payload))) this.statistics.countLate();
    return ACCEPTED;
  }

  private restart(): void {
    this.jitterBuffer.reset();
    this.dtmf.reset();
  }
}
