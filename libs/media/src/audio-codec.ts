/** How audio is coded on the wire under one payload type, as `rtpmap` and `fmtp` say it (RFC 8866 §6.6, §6.15). */
export interface AudioFormat {
  /** In the codec registry. */
  name: string;
  payloadType: number;
  /** Of RTP timestamps; not always the rate at which audio is sampled (RFC 3551 §4.5.2, RFC 7587 §4.1). */
  clockRateHz: number;
  /** `fmtp` of the receiving side: names in lower case. */
  parameters?: Readonly<Record<string, string>>;
}

/** telephone-event (RFC 4733) under one payload type: durations count in its clock. */
export interface EventFormat { payloadType: number; clockRateHz: number }

/** What is sent. */
export interface TransmitFormat {
  codec: AudioFormat;
  telephoneEvent?: EventFormat;
  /** How much audio the far end wants in a packet; default 20. */
  ptimeMs?: number;
}

/** What may arrive, besides static payload types, which are understood whatever was negotiated. */
export interface ReceiveFormats {
  audio: readonly AudioFormat[];
  telephoneEvents: readonly EventFormat[];
  /** Payload types of comfort noise (RFC 3389) other than 13. */
  comfortNoise?: readonly number[];
}

/** One direction's encoder. Codecs with history have one each call and direction. */
export interface AudioEncoder {
  /** Codes 8 kHz audio of one of the codec's packet durations into `out` from `offset` on; returns the bytes written. */
  encode(pcm: Int16Array, out: Uint8Array, offset: number): number;
  /** Frees what the garbage collector does not see. */
  close?(): void;
}

/** Never throws, whatever the payload. */
export interface AudioDecoder {
  /** How many samples `decode` will give. 0: not a payload of this codec. */
  samplesIn(payload: Uint8Array): number;
  /** Audio at 8 kHz. A codec with history wants its packets in the order of their timestamps. */
  decode(payload: Uint8Array): Int16Array;
  /**
   * Sound in place of `samples` that never came, by the codec's own means; `null`: it has none. `next`: the packet that
   * follows at once, if it is here already; it may carry what was lost. Called in the order of decoding.
   */
  conceal?(samples: number, next: Uint8Array | null): Int16Array | null;
  close?(): void;
}

/** A codec between the pipeline (8 kHz, 16 bit, mono) and RTP payloads. */
export interface AudioCodec {
  /** Of RTP timestamps and `rtpmap`. */
  readonly clockRateHz: number;
  /** Of `rtpmap`. What we send is mono whatever it says. */
  readonly channels: number;
  /** RFC 3551 §6: known without an rtpmap. */
  readonly staticPayloadType?: number;
  /** Whether a packet can be decoded without those before it. */
  readonly stateless: boolean;
  /** Durations of packets that the encoder makes; ascending, 20 among them. */
  readonly packetDurationsMs: readonly number[];
  /** The `fmtp` that tells the far end how to send to us. */
  readonly parameters?: string;
  /** `parameters`: the far end's `fmtp`. */
  createEncoder(parameters: Readonly<Record<string, string>>): AudioEncoder;
  createDecoder(): AudioDecoder;
}

export type AudioCodecs = Readonly<Record<string, AudioCodec>>;
