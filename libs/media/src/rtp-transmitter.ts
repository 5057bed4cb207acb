import type { AudioCodecs, AudioEncoder, TransmitFormat } from './audio-codec.js';
import { type DtmfPacket, DtmfSender, TELEPHONE_EVENT_BYTES } from './dtmf-event.js';
import { FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ } from './frame.js';
import { PacketAssembler } from './packet-assembler.js';
import { type PulledFrame, PlayoutQueue } from './playout-queue.js';
import { RTP_HEADER_BYTES, writeRtpHeader } from './rtp-packet.js';

/** No packet of any codec is larger: 60 ms of G.711 take 492 bytes. */
export const MAX_PACKET_BYTES = 1024;

const SILENCE = new Int16Array(FRAME_SAMPLES);
const NO_AUDIO: PulledFrame = { pcm: null, begun: [], played: [] };

interface Stream { format: TransmitFormat; encoder: AudioEncoder; packets: PacketAssembler }

/**
 * The sending half of an RTP session without its socket: telephone events, else queued audio, else silence. The stream
 * never stops while it may be sent, so that NAT bindings and the far end's latch stay open.
 *
 * Every 20 ms: `tick`, then `writePacket` until nothing is due. Packets hold as much audio as the far end asked for.
 */
export class RtpTransmitter {
  readonly queue = new PlayoutQueue();
  readonly dtmf = new DtmfSender();
  packetsSent = 0;
  private stream: Stream | null = null;
  private held = false;
  private marker = true;
  private event: DtmfPacket | null = null;
  private eventTimestamp = 0;
  /** Of the frame of this period, in the clock of the codec. */
  private rtpTimestamp: number;

  /** The three numbers start at random (RFC 3550 §5.1). */
  constructor(private readonly start: Readonly<{ ssrc: number; sequenceNumber: number; rtpTimestamp: number }>, private readonly codecs: AudioCodecs) {
    this.rtpTimestamp = start.rtpTimestamp;
  }

  get canSendDtmf(): boolean { return !this.held && this.stream?.format.telephoneEvent !== undefined; }

  /** `null`: nothing may be sent (hold); the queue waits. */
  setFormat(format: TransmitFormat | null): void {
    if (this.held || !this.stream) this.marker = true;
    this.held = format === null;
    this.event = null;
    this.stream?.packets.clear();
    if (format) this.stream = this.streamOf(format);
  }

  /** Playout lost `frames` periods: the timestamp keeps wall-clock time. */
  skip(frames: number): void {
    this.advance(frames);
    this.marker = true;
  }

  /** Takes what is to be sent of this 20 ms period. */
  tick(): PulledFrame {
    this.advance(1);
    const { stream } = this;
    if (!stream || this.held) return NO_AUDIO;
    const event = stream.format.telephoneEvent ? this.dtmf.next(stream.format.telephoneEvent.clockRateHz) : null;
    if (event && event !== 'gap') {
      if (event.first) this.eventTimestamp = this.rtpTimestamp;
      this.event = event;
      stream.packets.flush();
      return NO_AUDIO;
    }
    const audio = event === 'gap' ? NO_AUDIO : this.queue.pull(FRAME_SAMPLES);
    stream.packets.add(audio.pcm ?? SILENCE, this.rtpTimestamp);
    return audio;
  }

  /** Writes the next packet that is due into `out` (at least MAX_PACKET_BYTES) and returns its length; 0: none is. */
  writePacket(out: Uint8Array): number {
    const { stream } = this;
    if (!stream) return 0;
    const packet = stream.packets.take();
    if (packet) {
      const payloadBytes = stream.encoder.encode(packet.pcm, out, RTP_HEADER_BYTES);
      this.writeHeader(out, stream.format.codec.payloadType, packet.rtpTimestamp, this.marker);
      this.marker = false;
      return RTP_HEADER_BYTES + payloadBytes;
    }
    return this.event ? this.writeEvent(out, this.event) : 0;
  }

  /** Frees what the codec holds. */
  close(): void {
    this.stream?.encoder.close?.();
    this.stream = null;
  }

  private writeEvent(out: Uint8Array, event: DtmfPacket): number {
    this.event = null;
    out.set(event.payload, RTP_HEADER_BYTES);
    this.writeHeader(out, this.stream?.format.telephoneEvent?.payloadType as number, this.eventTimestamp, event.first);
    return RTP_HEADER_BYTES + TELEPHONE_EVENT_BYTES;
  }

  /** The same codec goes on where it was: another encoder would start with a click. */
  private streamOf(format: TransmitFormat): Stream {
    const codec = this.codecs[format.codec.name];
    const wantedMs = format.ptimeMs ?? FRAME_MS;
    const packetMs = codec.packetDurationsMs.findLast((durationMs) => durationMs <= wantedMs) ?? codec.packetDurationsMs[0];
    const packets = new PacketAssembler({ packetMs, clockRateHz: format.codec.clockRateHz });
    const before = this.stream?.format.codec;
    if (this.stream && before?.name === format.codec.name && sameParameters(before.parameters, format.codec.parameters)) {
      return { format, packets, encoder: this.stream.encoder };
    }
    this.stream?.encoder.close?.();
    return { format, packets, encoder: codec.createEncoder(format.codec.parameters ?? {}) };
  }

  private advance(frames: number): void {
    const clockRateHz = this.stream?.format.codec.clockRateHz ?? SAMPLE_RATE_HZ;
    this.rtpTimestamp = (this.rtpTimestamp + (frames * FRAME_MS * clockRateHz) / 1000) >>> 0;
  }

  private writeHeader(out: Uint8Array, payloadType: number, rtpTimestamp: number, marker: boolean): void {
    const sequenceNumber = (this.start.sequenceNumber + this.packetsSent++) & 0xffff;
    writeRtpHeader(out, { marker, payloadType, sequenceNumber, rtpTimestamp, ssrc: this.start.ssrc });
  }
}

const sameParameters = (a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean => {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
};
