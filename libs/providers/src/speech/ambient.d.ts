/** Types, of what is used, for packages that have none and for a global that only the `dom` library types. */

declare module '@echogarden/fvad-wasm' {
  /** libfvad (the WebRTC voice activity detector). */
  export interface FvadModule {
    HEAP16: Int16Array;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    _fvad_new(): number;
    _fvad_free(detector: number): void;
    _fvad_reset(detector: number): void;
    /** 0 (finds the most speech) … 3. */
    _fvad_set_mode(detector: number, mode: number): number;
    _fvad_set_sample_rate(detector: number, rateHz: number): number;
    /** 10, 20 or 30 ms of samples → 1 voice, 0 none, -1 wrong length. */
    _fvad_process(detector: number, frame: number, samples: number): number;
  }
  export default function load(): Promise<FvadModule>;
}

declare module '@echogarden/speex-resampler-wasm' {
  export interface SpeexResamplerModule {
    HEAP16: Int16Array;
    HEAPU32: Uint32Array;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    _speex_resampler_init(channels: number, fromHz: number, toHz: number, quality: number, errorPointer: number): number;
    _speex_resampler_destroy(state: number): void;
    _speex_resampler_reset_mem(state: number): number;
    _speex_resampler_skip_zeros(state: number): number;
    _speex_resampler_get_output_latency(state: number): number;
    /** The two lengths are in/out: given and consumed, room and produced. */
    _speex_resampler_process_int(state: number, channel: number, input: number, inputLength: number, output: number, outputLength: number): number;
  }
  export default function load(): Promise<SpeexResamplerModule>;
}

/** The part of the WebAssembly global that is used: the `dom` types, which have it, are left out of this project. */
declare namespace WebAssembly {
  interface Memory { readonly buffer: ArrayBuffer }
  class Module { private readonly module: unknown }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
