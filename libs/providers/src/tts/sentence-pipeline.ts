import { sentencesOf, type Pcm } from '@dialfleet/conversation';
import { AsyncQueue } from '@dialfleet/kit';
import { splitLeadingClause } from './leading-clause.js';

/** Sentences synthesised ahead of what the reader has taken. */
const LOOKAHEAD = 2;
const CHUNK_MS = 100;

export interface SentencePipelineOptions {
  sampleRateHz: number;
  /** Ends the speech early, without error. */
  signal: AbortSignal;
  synthesise(sentence: string, signal: AbortSignal): Promise<Pcm>;
}

/**
 * Text in, PCM out: sentence by sentence, one synthesis at a time, a little ahead of the reader. For vendors that
 * synthesise a sentence at a time. Chunks are copies: the reader may keep or transfer them.
 */
export async function* speakSentences(text: AsyncIterable<string>, options: SentencePipelineOptions): AsyncGenerator<Pcm> {
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  const spoken = new AsyncQueue<Pcm>();
  const taken = new Gate();
  const stop = (): void => { spoken.close(); taken.open(); };
  if (signal.aborted) return;
  signal.addEventListener('abort', stop, { once: true });
  void feed(text, spoken, taken, { ...options, signal });
  try {
    for await (const pcm of spoken) {
      taken.open();
      for (const chunk of chunksOf(pcm, (options.sampleRateHz * CHUNK_MS) / 1000)) {
        if (signal.aborted) return;
        yield chunk;
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stopping.abort();
    stop();
  }
}

/** Never rejects: faults reach the reader through the queue. */
async function feed(text: AsyncIterable<string>, spoken: AsyncQueue<Pcm>, taken: Gate, options: SentencePipelineOptions): Promise<void> {
  try {
    for await (const sentence of piecesOf(text)) {
      while (spoken.size >= LOOKAHEAD && !options.signal.aborted) await taken.opened();
      if (options.signal.aborted) break;
      const pcm = await options.synthesise(sentence, options.signal);
      if (pcm.length > 0) spoken.push(pcm);
    }
    spoken.close();
  } catch (error) {
    if (options.signal.aborted) spoken.close(); else spoken.fail(error);
  }
}

async function* piecesOf(text: AsyncIterable<string>): AsyncGenerator<string> {
  let first = true;
  for await (const sentence of sentencesOf(text)) {
    yield* first ? splitLeadingClause(sentence) : [sentence];
    first = false;
  }
}

function* chunksOf(pcm: Pcm, chunkSamples: number): Generator<Pcm> {
  for (let at = 0; at < pcm.length; at += chunkSamples) yield pcm.slice(at, at + chunkSamples);
}

/** Wakes whoever waits for the next `open()`. */
class Gate {
  private waiting: (() => void)[] = [];

  opened(): Promise<void> { return new Promise((resolve) => { this.waiting.push(resolve); }); }

  open(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
