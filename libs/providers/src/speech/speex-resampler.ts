import loadSpeex, { type SpeexResamplerModule } from '@echogarden/speex-resampler-wasm';

/** Speex's 0..10: 5 keeps the telephone band flat at a fraction of the cost of 10. */
const QUALITY = 5;

/** Whole clips from one sample rate to another, in time with the original (the filter's delay is taken out). */
export class SpeexResampler {
  private constructor(private readonly speex: SpeexResamplerModule) {}

  static async load(): Promise<SpeexResampler> { return new SpeexResampler(await loadSpeex()); }

  /** 16 bit PCM at `fromHz` → at `toHz`, `ceil(samples · toHz / fromHz)` of them. */
  resample(pcm: Int16Array, fromHz: number, toHz: number): Int16Array<ArrayBuffer> {
    if (fromHz === toHz || pcm.length === 0) return pcm.slice();
    const { speex } = this;
    const state = speex._speex_resampler_init(1, fromHz, toHz, QUALITY, 0);
    if (state === 0) throw new Error(`no resampler from ${fromHz} to ${toHz} Hz`);
    speex._speex_resampler_skip_zeros(state);
    const outSamples = Math.ceil((pcm.length * toHz) / fromHz);
    const tail = Math.ceil((speex._speex_resampler_get_output_latency(state) * fromHz) / toHz) + 2;
    const inSamples = pcm.length + tail;
    const input = speex._malloc(inSamples * 2);
    const output = speex._malloc(outSamples * 2);
    const lengths = speex._malloc(8);
    try {
      speex.HEAP16.set(pcm, input >> 1);
      speex.HEAP16.fill(0, (input >> 1) + pcm.length, (input >> 1) + inSamples);
      speex.HEAPU32.set([inSamples, outSamples], lengths >> 2);
      speex._speex_resampler_process_int(state, 0, input, lengths, output, lengths + 4);
      const produced = speex.HEAPU32[(lengths >> 2) + 1];
      const result = new Int16Array(outSamples);
      result.set(speex.HEAP16.subarray(output >> 1, (output >> 1) + produced));
      return result;
    } finally {
      for (const pointer of [input, output, lengths]) speex._free(pointer);
      speex._speex_resampler_destroy(state);
    }
  }
}
