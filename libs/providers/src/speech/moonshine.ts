import { fileURLToPath } from 'node:url';
import tokenizer from 'llama-tokenizer-js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ScoredText } from './hint-choice.js';
import type { MoonshineModel } from './speech-runtime.js';

export const MOONSHINE_RATE_HZ = 16_000;
const BEGIN = 1;
const END = 2;
/** The model card's bound against endless repetition. */
const MAX_TOKENS_PER_SECOND = 6.5;
/** Bounds the logits of one scoring run: batch × tokens × 32,768 floats. */
const MAX_SCORE_BATCH = 8;
export const MAX_SCORED_TOKENS = 12;

/** A clip as the encoder sees it. */
export interface EncodedClip { states: Tensor; seconds: number }

type Cache = Record<string, Tensor>;

/**
 * Moonshine (arXiv 2410.15608): an encoder over raw 16 kHz audio, and a decoder that writes Llama tokens. Runs on the
 * calling thread, a few milliseconds a token, yielding to the event loop in between.
 *
 * The decoder is driven here and not by a ready-made recogniser because of its first step: over a telephone line's noise
 * floor the model tends to end before it began, and forbidding just that turns most empty readings into right ones.
 */
export class Moonshine {
  private readonly cacheNames: readonly string[];
  private readonly growingOutputs: readonly string[];

  private constructor(private readonly encoder: InferenceSession, private readonly decoder: InferenceSession, private readonly emptyCache: Cache) {
    this.cacheNames = Object.keys(emptyCache);
    // The cross-attention cache is made by the first step and stays; only the self-attention cache grows.
    this.growingOutputs = ['logits', ...this.cacheNames.filter((name) => name.includes('.decoder.')).map(presentOf)];
  }

  static async load(model: MoonshineModel): Promise<Moonshine> {
    const folder = new URL(`./model/${model}/quantized/`, import.meta.resolve('@usefulsensors/moonshine-js'));
    const open = (file: string): Promise<InferenceSession> => InferenceSession.create(fileURLToPath(new URL(file, folder)),
      { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' });
    const encoder = await open('encoder_model.onnx');
    const decoder = await open('decoder_model_merged.onnx');
    return new Moonshine(encoder, decoder, emptyCacheOf(decoder));
  }

  /** `samples` at 16 kHz, -1..1. */
  async encode(samples: Float32Array): Promise<EncodedClip> {
    const { last_hidden_state: states } = await this.encoder.run({ input_values: new Tensor('float32', samples, [1, samples.length]) });
    return { states, seconds: samples.length / MOONSHINE_RATE_HZ };
  }

  /** The likeliest reading, greedily, of at least one token. */
  async decode({ states, seconds }: EncodedClip): Promise<ScoredText> {
    const written: number[] = [];
    const maxTokens = Math.ceil(seconds * MAX_TOKENS_PER_SECOND);
    let cache = this.emptyCache;
    let logProb = 0;
    for (let previous = BEGIN; written.length < maxTokens;) {
      const first = written.length === 0;
      const output = await this.step(states, [previous], 1, cache, first ? undefined : this.growingOutputs);
      cache = { ...cache, ...this.cacheFrom(output) };
      const next = likeliest(output.logits.data as Float32Array, first ? END : -1);
      logProb += next.logProb;
      if (next.token === END) break;
      written.push(previous = next.token);
    }
    return { text: tokenizer.decode(written, false, true).replace(/\s+/g, ' ').trim(), logProb, tokens: written.length + 1 };
  }

  /**
   * How likely each text is as the whole of what the clip says: the decoder with the text forced on it, several in a
   * batch. Texts of more than MAX_SCORED_TOKENS tokens are left out.
   */
  async score({ states }: EncodedClip, texts: readonly string[]): Promise<ScoredText[]> {
    const candidates = texts.map((text) => ({ text, tokens: [...tokenizer.encode(text, false, true), END] })).filter(({ tokens }) => tokens.length <= MAX_SCORED_TOKENS);
    const scored: ScoredText[] = [];
    for (let at = 0; at < candidates.length; at += MAX_SCORE_BATCH) {
      const batch = candidates.slice(at, at + MAX_SCORE_BATCH);
      const logProbs = await this.forcedLogProbs(states, batch.map(({ tokens }) => tokens));
      batch.forEach(({ text, tokens }, i) => scored.push({ text, logProb: logProbs[i], tokens: tokens.length }));
    }
    return scored;
  }

  /** `sequences` end with END; the shorter ones are filled up, and what follows their end is not counted. */
  private async forcedLogProbs(states: Tensor, sequences: readonly number[][]): Promise<number[]> {
    const length = Math.max(...sequences.map((tokens) => tokens.length));
    const inputs = sequences.flatMap((tokens) => Array.from({ length }, (_, i) => (i === 0 ? BEGIN : tokens[i - 1] ?? END)));
    const { logits } = await this.step(repeated(states, sequences.length), inputs, sequences.length, this.emptyCache, ['logits']);
    const vocabulary = logits.dims[2];
    const values = logits.data as Float32Array;
    return sequences.map((tokens, row) => tokens.reduce((sum, token, i) => {
      const at = (row * length + i) * vocabulary;
      return sum + logProbability(values.subarray(at, at + vocabulary), token);
    }, 0));
  }

  private step(states: Tensor, inputs: readonly number[], batch: number, cache: Cache, outputs?: readonly string[]): Promise<InferenceSession.OnnxValueMapType> {
    const feeds = {
      ...cache,
      input_ids: new Tensor('int64', BigInt64Array.from(inputs, BigInt), [batch, inputs.length / batch]),
      encoder_hidden_states: states,
      use_cache_branch: new Tensor('bool', [cache !== this.emptyCache]),
    };
    return outputs ? this.decoder.run(feeds, outputs) : this.decoder.run(feeds);
  }

  private cacheFrom(output: InferenceSession.OnnxValueMapType): Cache {
    return Object.fromEntries(this.cacheNames.flatMap((name) => {
      const present = output[presentOf(name)];
      return present ? [[name, present]] : [];
    }));
  }
}

const presentOf = (cacheName: string): string => cacheName.replace('past_key_values', 'present');

/** The merged decoder wants a cache even for its first step: one of no length. */
function emptyCacheOf(decoder: InferenceSession): Cache {
  return Object.fromEntries(decoder.inputMetadata.flatMap((input) => {
    if (!input.isTensor || !input.name.startsWith('past_key_values.')) return [];
    const [, heads, , width] = input.shape.map(Number);
    return [[input.name, new Tensor('float32', new Float32Array(0), [0, heads, 1, width])]];
  }));
}

function repeated(tensor: Tensor, times: number): Tensor {
  const data = tensor.data as Float32Array;
  const all = new Float32Array(data.length * times);
  for (let i = 0; i < times; i++) all.set(data, i * data.length);
  return new Tensor('float32', all, [times, ...tensor.dims.slice(1)]);
}

/** The best token other than `forbidden`, with its log-probability among all. */
function likeliest(logits: Float32Array, forbidden: number): { token: number; logProb: number } {
  let token = forbidden === 0 ? 1 : 0;
  for (let i = 0; i < logits.length; i++) if (logits[i] > logits[token] && i !== forbidden) token = i;
  return { token, logProb: logProbability(logits, token) };
}

function logProbability(logits: Float32Array, token: number): number {
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i] > max) max = logits[i];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - max);
  return logits[token] - max - Math.log(sum);
}
