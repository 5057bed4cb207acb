import tokenizer from 'llama-tokenizer-js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ScoredText } from './hint-choice.js';
import { moonshineFiles } from './moonshine-files.js';
import type { MoonshineModel } from './speech-runtime.js';

const BEGIN = 1;
const END = 2;
/** Bounds the logits of one run: batch × tokens × 32,768 floats. */
const MAX_BATCH = 8;
export const MAX_SCORED_TOKENS = 12;

/** Moonshine's vocabulary is used without a begin token and without Llama's leading space. */
export const tokenize = (text: string): number[] => tokenizer.encode(text, false, true);

/**
 * How likely given texts are as the whole of what a clip says: Moonshine's encoder once, then its decoder with each
 * text forced on it (teacher forcing), several in a batch.
 */
export class HintScorer {
  private constructor(private readonly encoder: InferenceSession, private readonly decoder: InferenceSession, private readonly emptyCache: Record<string, readonly (number | string)[]>) {}

  static async load(model: MoonshineModel): Promise<HintScorer> {
    const files = moonshineFiles(model);
    const options: InferenceSession.SessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' };
    const encoder = await InferenceSession.create(files.encoder, options);
    const decoder = await InferenceSession.create(files.decoder, options);
    const cache = decoder.inputMetadata.flatMap((input) => (input.isTensor && input.name.startsWith('past_key_values.') ? [[input.name, input.shape] as const] : []));
    return new HintScorer(encoder, decoder, Object.fromEntries(cache));
  }

  /** `samples` at 16 kHz, -1..1, padded as for recognition. Texts of more than MAX_SCORED_TOKENS tokens are left out. */
  async score(samples: Float32Array, texts: readonly string[]): Promise<ScoredText[]> {
    const encoded = (await this.encoder.run({ input_values: new Tensor('float32', samples, [1, samples.length]) })).last_hidden_state;
    const candidates = texts.map((text) => ({ text, tokens: [...tokenize(text), END] })).filter(({ tokens }) => tokens.length <= MAX_SCORED_TOKENS);
    const scored: ScoredText[] = [];
    for (let at = 0; at < candidates.length; at += MAX_BATCH) {
      const batch = candidates.slice(at, at + MAX_BATCH);
      const logProbs = await this.logProbs(encoded, batch.map(({ tokens }) => tokens));
      batch.forEach(({ text, tokens }, i) => scored.push({ text, logProb: logProbs[i], tokens: tokens.length }));
    }
    return scored;
  }

  /** `sequences` end with END. */
  private async logProbs(encoded: Tensor, sequences: readonly number[][]): Promise<number[]> {
    const batch = sequences.length;
    const length = Math.max(...sequences.map((tokens) => tokens.length));
    const ids = new BigInt64Array(batch * length).fill(BigInt(END));
    sequences.forEach((tokens, b) => [BEGIN, ...tokens.slice(0, -1)].forEach((token, i) => { ids[b * length + i] = BigInt(token); }));
    const { logits } = await this.decoder.run({
      ...this.noCache(),
      input_ids: new Tensor('int64', ids, [batch, length]),
      encoder_hidden_states: repeated(encoded, batch),
      use_cache_branch: new Tensor('bool', [false]),
    });
    const vocabulary = logits.dims[2];
    const values = logits.data as Float32Array;
    return sequences.map((tokens, b) => tokens.reduce((sum, token, i) => {
      const at = (b * length + i) * vocabulary;
      return sum + logSoftmax(values.subarray(at, at + vocabulary), token);
    }, 0));
  }

  /** The merged decoder wants a cache even where it does not read one. */
  private noCache(): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(this.emptyCache).map(([name, shape]) =>
      [name, new Tensor('float32', new Float32Array(0), [0, Number(shape[1]), 1, Number(shape[3])])]));
  }
}

function repeated(tensor: Tensor, times: number): Tensor {
  const data = tensor.data as Float32Array;
  const all = new Float32Array(data.length * times);
  for (let i = 0; i < times; i++) all.set(data, i * data.length);
  return new Tensor('float32', all, [times, ...tensor.dims.slice(1)]);
}

function logSoftmax(logits: Float32Array, index: number): number {
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i] > max) max = logits[i];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - max);
  return logits[index] - max - Math.log(sum);
}
