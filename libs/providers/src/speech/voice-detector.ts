import type { FvadModule } from '@echogarden/fvad-wasm';

/** 0 misses the least speech and lets the most noise through, 3 the reverse. */
export type DetectorMode = 0 | 1 | 2 | 3;

/** The WebRTC voice detector over 10 ms frames: microseconds a frame, easily fooled by noise, rarely deaf. */
export class VoiceDetector {
  readonly frameSamples: number;
  private readonly detector: number;
  private readonly frame: number;

  constructor(private readonly fvad: FvadModule, sampleRateHz: number, mode: DetectorMode) {
    this.frameSamples = sampleRateHz / 100;
    this.detector = fvad._fvad_new();
    this.frame = fvad._malloc(this.frameSamples * 2);
    fvad._fvad_set_mode(this.detector, mode);
    fvad._fvad_set_sample_rate(this.detector, sampleRateHz);
  }

  /** `pcm` holds `frameSamples` from `at` on. */
  isVoice(pcm: Int16Array, at: number): boolean {
    this.fvad.HEAP16.set(pcm.subarray(at, at + this.frameSamples), this.frame >> 1);
    return this.fvad._fvad_process(this.detector, this.frame, this.frameSamples) === 1;
  }

  /** Frame by frame; what does not fill a frame at the end is left out. */
  voicedFrames(pcm: Int16Array): boolean[] {
    return Array.from({ length: Math.floor(pcm.length / this.frameSamples) }, (_, i) => this.isVoice(pcm, i * this.frameSamples));
  }

  /** The detector lives in WASM memory, which nothing collects. */
  free(): void {
    this.fvad._free(this.frame);
    this.fvad._fvad_free(this.detector);
  }
}
