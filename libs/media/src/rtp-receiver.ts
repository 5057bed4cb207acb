import type { AudioCodecs, ReceiveFormats } from './audio-codec.js';
import { AudioIntake } from './audio-intake.js';
import { COMFORT_NOISE_PAYLOAD_TYPE } from './comfort-noise.js';
import { DtmfReceiver } from './dtmf-event.js';
import { SAMPLE_RATE_HZ } from './frame.js';
import type { JitterBufferOptions } from './jitter-buffer.js';
import { type ReceiveReport, ReceiveStatistics } from './receive-statistics.js';
import type { Reception } from './rtcp-session.js';
import { RtpClock } from './rtp-clock.js';
import { parseRtpPacket, type RtpPacket } from './rtp-packet.js';
import { type MediaSource, SourceLatch } from './source-latch.js';

/** What a datagram was. `accepted`: a packet of the far end (it counts as a sign of life), even if it holds no audio. */
export interface Received { accepted: boolean; digit: string | null }

const IGNORED: Received = { accepted: false, digit: null };
const ACCEPTED: Received = { accepted: true, digit: null };

/** What a payload type means. A telephone event's presses are known by the clock of its payload type. */
type AudioKind = { codec: string; clockRateHz: number } | 'comfortNoise';
type PayloadKind = AudioKind | { events: DtmfReceiver };

/** The receiving half of an RTP session without its socket: latch → sequence → telephone events or jitter buffer. */
export class RtpReceiver {
  readonly latch = new SourceLatch();
  private readonly statistics = new ReceiveStatistics();
  private readonly intake: AudioIntake;
  private clocks = new Map<number, RtpClock>();
  private kinds: Map<number, PayloadKind> | null = null;
  private packetsForeign = 0;

  constructor(private readonly codecs: AudioCodecs, options?: JitterBufferOptions) { this.intake = new AudioIntake(codecs, options); }

  /** Static payload types are understood whatever was negotiated: some gateways send another codec than they agreed to. */
  setFormats(formats: ReceiveFormats): void {
    const kinds = new Map<number, PayloadKind>([[COMFORT_NOISE_PAYLOAD_TYPE, 'comfortNoise']]);
    for (const [codec, { staticPayloadType, clockRateHz }] of Object.entries(this.codecs)) {
      if (staticPayloadType !== undefined) kinds.set(staticPayloadType, { codec, clockRateHz });
    }
    for (const payloadType of formats.comfortNoise ?? []) kinds.set(payloadType, 'comfortNoise');
    for (const { payloadType, clockRateHz } of formats.telephoneEvents) kinds.set(payloadType, { events: this.eventsOf(payloadType, clockRateHz) ?? new DtmfReceiver(clockRateHz) });
    for (const { payloadType, name, clockRateHz } of formats.audio) kinds.set(payloadType, { codec: name, clockRateHz });
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
    const isEvent = typeof kind === 'object' && 'events' in kind;
    const at = isEvent ? packet.rtpTimestamp : this.clockOf(kind).samplesAt(packet.rtpTimestamp);
    const verdict = this.statistics.receive({ ssrc: packet.ssrc, sequenceNumber: packet.sequenceNumber, rtpTimestamp: at }, nowMs, !isEvent);
    if (verdict === 'duplicate' || verdict === 'suspect') return ACCEPTED;
    if (verdict === 'restart') this.restart();
    return isEvent ? this.press(kind.events, packet) : this.listen(kind, at, packet.payload);
  }

  /** One frame of the far end's voice; call every 20 ms. `null` until its first audio. */
  pull(): Int16Array | null { return this.intake.pull(); }

  report(): ReceiveReport & { packetsForeign: number } {
    return { ...this.statistics.report(), packetsForeign: this.packetsForeign };
  }

  /** For reports to the far end. */
  reception(): Reception | null { return this.statistics.reception(); }

  /** Lost, or too late to be played, of what should have come: 0 to 1. */
  lossShare(): number { return this.statistics.lossShare(); }

  /** Frees what the codecs hold. */
  close(): void { this.intake.close(); }

  private press(events: DtmfReceiver, packet: RtpPacket): Received {
    const digit = events.receive(packet.rtpTimestamp, packet.payload);
    return digit === null ? ACCEPTED : { accepted: true, digit };
  }

  private listen(kind: AudioKind, at: number, payload: Uint8Array): Received {
    if (kind === 'comfortNoise') this.intake.comfortNoise(at, payload);
    else if (payload.length > 0 && !this.intake.push(kind.codec, at, payload)) this.statistics.countLate();
    return ACCEPTED;
  }

  /** A press may go on across a new description of the same payload types. */
  private eventsOf(payloadType: number, clockRateHz: number): DtmfReceiver | undefined {
    const kind = this.kinds?.get(payloadType);
    return typeof kind === 'object' && 'events' in kind && kind.events.clockRateHz === clockRateHz ? kind.events : undefined;
  }

  private clockOf(kind: AudioKind): RtpClock {
    const clockRateHz = kind === 'comfortNoise' ? SAMPLE_RATE_HZ : kind.clockRateHz;
    let clock = this.clocks.get(clockRateHz);
    if (!clock) this.clocks.set(clockRateHz, clock = new RtpClock(clockRateHz));
    return clock;
  }

  private restart(): void {
    this.intake.restart();
    for (const kind of this.kinds?.values() ?? []) if (typeof kind === 'object' && 'events' in kind) kind.events.reset();
  }
}
