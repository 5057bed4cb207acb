import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/**
 * libopus as WebAssembly, out of @evan/opus. The package's own classes leave out what a telephone needs: concealment of a
 * loss of given length, and the in-band redundancy. They would also prefer a native addon, and what decodes packets from
 * strangers had better run in a sandbox.
 */
interface LibopusExports {
  memory: { buffer: ArrayBuffer };
  malloc(bytes: number): number;
  free(pointer: number): void;
  _initialize(): void;
  opus_encoder_get_size(channels: number): number;
  opus_encoder_init(encoder: number, rateHz: number, channels: number, application: number): number;
  opus_encoder_ctl_set(encoder: number, request: number, value: number): number;
  opus_encode(encoder: number, pcm: number, samples: number, out: number, maxBytes: number): number;
  opus_decoder_get_size(channels: number): number;
  opus_decoder_init(decoder: number, rateHz: number, channels: number): number;
  opus_decode(decoder: number, packet: number, bytes: number, pcm: number, maxSamples: number, decodeFec: number): number;
}

/** What we use of the global, which Node's types leave to those of browsers. */
interface WasmGlobal {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: unknown };
  validate(bytes: Uint8Array): boolean;
}
const wasm = (globalThis as unknown as { WebAssembly: WasmGlobal }).WebAssembly;

const APPLICATION_VOIP = 2048;
const SET_BITRATE = 4002;
const SET_COMPLEXITY = 4010;
const SET_INBAND_FEC = 4012;
const SET_PACKET_LOSS_PERC = 4014;
const SET_VBR = 4006;

const RATE_HZ = 8000;
const MAX_PACKET_BYTES = 4096;
/** 120 ms, the most that a packet can hold (RFC 6716 §3.1). */
const MAX_PACKET_SAMPLES = (RATE_HZ * 120) / 1000;

export interface OpusEncoderSettings {
  bitsPerSecond: number;
  /** 0 to 10: quality against CPU. */
  complexity: number;
  /** Redundancy for so much loss of the way there, in percent; 0: none. */
  expectedLossPercent: number;
  constantBitRate: boolean;
}

/** One instance a thread: its memory holds the state of every coder, and buffers that the calls take turns with. */
class Libopus {
  private readonly lib: LibopusExports;
  private readonly packetAt: number;
  private readonly pcmAt: number;
  private bytes: Uint8Array;
  private samples: Int16Array;

  constructor() {
    const file = createRequire(import.meta.url).resolve(`@evan/opus/wasm/${supportsSimd() ? 'simd' : 'opus'}.wasm`);
    const nothing = (): number => 0;
    const instance = new wasm.Instance(new wasm.Module(readFileSync(file)), {
      wasi_snapshot_preview1: { fd_seek: nothing, fd_write: nothing, fd_close: nothing, proc_exit: nothing },
      env: { emscripten_notify_memory_growth: () => { this.mapMemory(); } },
    });
    this.lib = instance.exports as LibopusExports;
    this.lib._initialize();
    this.packetAt = this.lib.malloc(MAX_PACKET_BYTES);
    this.pcmAt = this.lib.malloc(2 * MAX_PACKET_SAMPLES);
    this.bytes = new Uint8Array(this.lib.memory.buffer);
    this.samples = new Int16Array(this.lib.memory.buffer);
  }

  /** Throws Error where libopus refuses. */
  newEncoder(settings: OpusEncoderSettings): number {
    const encoder = this.lib.malloc(this.lib.opus_encoder_get_size(1));
    this.accepted(this.lib.opus_encoder_init(encoder, RATE_HZ, 1, APPLICATION_VOIP));
    const set = (request: number, value: number): void => { this.accepted(this.lib.opus_encoder_ctl_set(encoder, request, value)); };
    set(SET_BITRATE, settings.bitsPerSecond);
    set(SET_COMPLEXITY, settings.complexity);
    set(SET_INBAND_FEC, settings.expectedLossPercent > 0 ? 1 : 0);
    set(SET_PACKET_LOSS_PERC, settings.expectedLossPercent);
    set(SET_VBR, settings.constantBitRate ? 0 : 1);
    return encoder;
  }

  newDecoder(): number {
    const decoder = this.lib.malloc(this.lib.opus_decoder_get_size(1));
    this.accepted(this.lib.opus_decoder_init(decoder, RATE_HZ, 1));
    return decoder;
  }

  free(coder: number): void { this.lib.free(coder); }

  /** Bytes written into `out`. Throws Error for a duration that Opus does not have. */
  encode(encoder: number, pcm: Int16Array, out: Uint8Array, offset: number): number {
    this.samples.set(pcm, this.pcmAt >> 1);
    const bytes = this.accepted(this.lib.opus_encode(encoder, this.pcmAt, pcm.length, this.packetAt, Math.min(MAX_PACKET_BYTES, out.length - offset)));
    out.set(this.bytes.subarray(this.packetAt, this.packetAt + bytes), offset);
    return bytes;
  }

  /** The audio of a packet; `null`: it is not Opus. */
  decode(decoder: number, packet: Uint8Array): Int16Array | null { return this.run(decoder, packet, MAX_PACKET_SAMPLES, 0); }

  /** Sound for `samples` that were lost, out of the redundancy of the packet after them if that is here; `null`: no such duration. */
  conceal(decoder: number, samples: number, next: Uint8Array | null): Int16Array | null { return this.run(decoder, next, samples, next ? 1 : 0); }

  private run(decoder: number, packet: Uint8Array | null, samples: number, decodeFec: number): Int16Array | null {
    if (samples > MAX_PACKET_SAMPLES || (packet && (packet.length === 0 || packet.length > MAX_PACKET_BYTES))) return null;
    if (packet) this.bytes.set(packet, this.packetAt);
    const decoded = this.lib.opus_decode(decoder, packet ? this.packetAt : 0, packet?.length ?? 0, this.pcmAt, samples, decodeFec);
    return decoded > 0 ? this.samples.slice(this.pcmAt >> 1, (this.pcmAt >> 1) + decoded) : null;
  }

  private mapMemory(): void {
    this.bytes = new Uint8Array(this.lib.memory.buffer);
    this.samples = new Int16Array(this.lib.memory.buffer);
  }

  private accepted(result: number): number {
    if (result < 0) throw new Error(`libopus refuses: error ${result}`);
    return result;
  }
}

/** A module with one SIMD instruction. */
const supportsSimd = (): boolean =>
  wasm.validate(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11));

let shared: Libopus | undefined;

/** Compiled at its first use (about 10 ms). */
export const libopus = (): Libopus => (shared ??= new Libopus());
