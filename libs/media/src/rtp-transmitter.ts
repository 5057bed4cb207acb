import type { AudioCodecs, AudioEncoder, TransmitFormat } from './audio-codec.js';
import { DtmfSender, TELEPHONE_EVENT_BYTES } from './dtmf-event.js';
import { FRAME_SAMPLES } from './frame.js';
import { type PulledFrame, PlayoutQueue } from './playout-queue.js';
import { RTP_HEADER_BYTES, writeRtpHeader } from './rtp-packet.js';

export interface TransmittedFrame {
  /** Length of the packet in the buffer; 0: nothing to send. */
  bytes: number;
  /** What the far end hears; `null`: silence. */
  pcm: Int16Array | null;
  /** Tags whose first sample is in this packet. */
  begun: readonly string[];
  /** Tags whose last sample is in this packet. */
  played: readonly string[];
}

export const MAX_PACKET_BYTES = RTP_HEADER_BYTES + FRAME_SAMPLES;

const SILENCE = new Int16Array(FRAME_SAMPLES);
const NO_AUDIO: PulledFrame = { pcm: null, begun: [], played: [] };
const NOTHING: TransmittedFrame = { ...NO_AUDIO, bytes: 0 };

/**
 * The sending half of an RTP session without its socket: telephone events, else queued audio, else silence, one packet a
 * frame. The stream never stops while it may be sent, so that NAT bindings and the far end's latch stay open.
 */
export class RtpTransmitter {
  readonly queue = new PlayoutQueue();
  readonly dtmf = new DtmfSender();
  packetsSent = 0;
  private format: TransmitFormat | null = null;
  private encoder: AudioEncoder | null = null;
  private marker = true;
  private eventTimestamp = 0;
  private rtpTimestamp: number;

  /** The three numbers start at random (RFC 3550 §5.1). */
  constructor(private readonly start: Readonly<{ ssrc: number; sequenceNumber: number; rtpTimestamp: number }>, private readonly codecs: AudioCodecs) {
    this.rtpTimestamp = start.rtpTimestamp;
  }

  get canSendDtmf(): boolean { return this.format?.telephoneEvent !== undefined; }

  /** `null`: nothing may be sent (hold); the queue waits. */
  setFormat(format: TransmitFormat | null): void {
    if (!this.format) this.marker = true;
    if (format && format.codec.name !== this.format?.codec.name) this.encoder = this.codecs[format.codec.name].createEncoder(format.codec.parameters ?? {});
    this.format = format;
  }

  /** Playout lost `frames` periods: the timestamp keeps wall-clock time. */
  skip(frames: number): void {
    this.rtpTimestamp = (this.rtpTimestamp + frames * FRAME_SAMPLES) >>> 0;
    this.marker = true;
  }

  /** Writes the packet of this 20 ms period into `out` (at least MAX_PACKET_BYTES). */
  tick(out: Uint8Array): TransmittedFrame {
    this.rtpTimestamp = (this.rtpTimestamp + FRAME_SAMPLES) >>> 0;
    const { format, encoder } = this;
    if (!format || !encoder) return NOTHING;
    const event = format.telephoneEvent === undefined ? null : this.dtmf.next();
    if (event && event !== 'gap') {
      if (event.first) this.eventTimestamp = this.rtpTimestamp;
      out.set(event.payload, RTP_HEADER_BYTES);
      this.writeHeader(out, format.telephoneEvent?.payloadType as number, this.eventTimestamp, event.first);
      return { ...NO_AUDIO, bytes: RTP_HEADER_BYTES + TELEPHONE_EVENT_BYTES };
    }
    const audio = event === 'gap' ? NO_AUDIO : this.queue.pull(FRAME_SAMPLES);
    const payloadBytes = encoder.encode(audio.pcm ?? SILENCE, out, RTP_HEADER_BYTES);
    this.writeHeader(out, format.codec.payloadType, this.rtpTimestamp, this.marker);
    this.marker = false;
    return { ...audio, bytes: RTP_HEADER_BYTES + payloadBytes };
  }

  private writeHeader(out: Uint8Array, payloadType: number, rtpTimestamp: number, marker: boolean): void {
    const sequenceNumber = (this.start.sequenceNumber + this.packetsSent++) & 0xffff;
    writeRtpHeader(out, { marker, payloadType, sequenceNumber, rtpTimestamp, ssrc: this.start.ssrc });
  }
}
