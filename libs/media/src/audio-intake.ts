import type { AudioCodecs, AudioDecoder } from './audio-codec.js';
import { ComfortNoise } from './comfort-noise.js';
import { JitterBuffer, type DueSound, type JitterBufferOptions } from './jitter-buffer.js';
import { timestampDelta } from './rtp-packet.js';

interface HeldPacket { at: number; payload: Uint8Array; decoder: AudioDecoder }

/** Longer gaps (200 ms) are pauses of the sender: a codec's guess would hum through them. */
const MAX_CONCEALED_SAMPLES = 1600;
const MAX_HELD_PACKETS = 512;
const FAR_SAMPLES = 8192;

/**
 * From packets to a steady flow of 8 kHz audio: decoding, jitter buffer, concealment, comfort noise. Positions are RTP
 * timestamps in 8 kHz samples.
 *
 * A codec without history is decoded as it arrives. The packets of others wait, coded, until they are due, so that what
 * the network has swapped is decoded in the sender's order, and what was lost can be made up from the packet after it.
 */
export class AudioIntake implements DueSound {
  private readonly jitterBuffer: JitterBuffer;
  private readonly noise = new ComfortNoise();
  private decoders = new Map<string, AudioDecoder>();
  private held: HeldPacket[] = [];
  private lastDecoder: AudioDecoder | null = null;
  private concealedSamples = 0;
  private starts = 0;

  constructor(private readonly codecs: AudioCodecs, options?: JitterBufferOptions) { this.jitterBuffer = new JitterBuffer(options, this); }

  /** `false`: too late to be played. The payload is copied if it has to wait. */
  push(codecName: string, at: number, payload: Uint8Array): boolean {
    const decoder = this.decoderOf(codecName);
    this.noise.audioAt(at);
    if (this.codecs[codecName].stateless) {
      this.lastDecoder = decoder;
      return this.jitterBuffer.push(at, decoder.decode(payload));
    }
    const samples = decoder.samplesIn(payload);
    const inTime = samples > 0 && this.jitterBuffer.place(at, samples);
    this.dropStranded(at);
    if (inTime) this.hold({ at, payload: payload.slice(), decoder });
    return inTime;
  }

  /** A silence descriptor (RFC 3389). */
  comfortNoise(at: number, payload: Uint8Array): void {
    this.jitterBuffer.place(at, 0);
    this.dropStranded(at);
    this.noise.describe(at, payload);
  }

  /** 160 samples; `null` until the first packet has come. */
  pull(): Int16Array | null { return this.jitterBuffer.pull(); }

  /** Another source: nothing goes on from what was. */
  restart(): void {
    this.jitterBuffer.reset();
    this.noise.reset();
    this.close();
  }

  /** Frees the decoders. Packets that still come begin new ones. */
  close(): void {
    for (const decoder of this.decoders.values()) decoder.close?.();
    this.decoders = new Map();
    this.held = [];
    this.lastDecoder = null;
  }

  supply(until: number): void {
    while (this.held.length > 0 && timestampDelta(this.held[0].at, until) < 0) {
      const { at, payload, decoder } = this.held.shift() as HeldPacket;
      this.jitterBuffer.fill(at, decoder.decode(payload));
      this.lastDecoder = decoder;
      this.concealedSamples = 0;
    }
  }

  conceal(at: number, samples: number): Int16Array | null {
    const noise = this.noise.at(at, samples);
    if (noise || !this.lastDecoder?.conceal || this.concealedSamples >= MAX_CONCEALED_SAMPLES) return noise;
    this.concealedSamples += samples;
    const next = this.held[0];
    const follows = next !== undefined && next.decoder === this.lastDecoder && timestampDelta(next.at, at) === samples;
    return this.lastDecoder.conceal(samples, follows ? next.payload : null);
  }

  private decoderOf(codecName: string): AudioDecoder {
    const known = this.decoders.get(codecName);
    if (known) return known;
    const decoder = this.codecs[codecName].createDecoder();
    this.decoders.set(codecName, decoder);
    return decoder;
  }

  private hold(packet: HeldPacket): void {
    if (this.held.length >= MAX_HELD_PACKETS) return;
    const later = this.held.findLastIndex((held) => timestampDelta(held.at, packet.at) <= 0);
    this.held.splice(later + 1, 0, packet);
  }

  /** Playout began elsewhere: what waits for another time would never be due, or at the wrong one. */
  private dropStranded(at: number): void {
    if (this.starts === this.jitterBuffer.starts) return;
    this.starts = this.jitterBuffer.starts;
    this.held = this.held.filter((held) => Math.abs(timestampDelta(held.at, at)) < FAR_SAMPLES);
  }
}
