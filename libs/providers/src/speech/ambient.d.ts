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
