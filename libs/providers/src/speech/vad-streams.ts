import type { Pcm, VadStream } from '@dialfleet/conversation';
import type { VadAnswers, VadBatch } from './speech-protocol.js';
import type { SpeechSampleRateHz } from './speech-runtime.js';
import type { SpeechThread } from './speech-thread.js';
import { ThreadVadStream } from './thread-vad-stream.js';

/** A batch is answered as a whole: a longer one would keep its first answer waiting. */
const MAX_BATCH_WINDOWS = 32;

interface Collected { stream: number; sampleRateHz: SpeechSampleRateHz; window: Pcm }

/**
 * The voice activity streams of all calls on one thread. What they have to say in one turn of the event loop makes one
 * message.
 */
export class VadStreams {
  private readonly streams = new Map<number, ThreadVadStream>();
  private lastStream = 0;
  private collected: Collected[] = [];
  private closed: number[] = [];

  constructor(private readonly thread: Pick<SpeechThread, 'events' | 'post'>) {
    thread.events.on('vadAnswers', (answers) => this.deliver(answers));
    thread.events.on('crashed', () => this.onThreadCrash());
  }

  open({ sampleRateHz, onWindow }: { sampleRateHz: SpeechSampleRateHz; onWindow: (probability: number) => void }): VadStream {
    const stream = ++this.lastStream;
    const vad = new ThreadVadStream({
      sampleRateHz, onWindow,
      send: (window) => this.collect({ stream, sampleRateHz, window }),
      onClose: () => this.remove(stream),
    });
    this.streams.set(stream, vad);
    return vad;
  }

  /** Sends what has been collected, now. */
  flush(): void {
    const { collected, closed } = this;
    if (collected.length === 0 && closed.length === 0) return;
    this.forget();
    const batch = batchOf(collected, closed);
    if (this.thread.post(batch, [batch.pcm.buffer])) return;
    for (const { stream } of collected) this.streams.get(stream)?.answer(0);
  }

  private collect(window: Collected): void {
    this.scheduleFlush();
    this.collected.push(window);
    if (this.collected.length === MAX_BATCH_WINDOWS) this.flush();
  }

  private remove(stream: number): void {
    this.scheduleFlush();
    this.streams.delete(stream);
    this.closed.push(stream);
  }

  private scheduleFlush(): void {
    if (this.collected.length === 0 && this.closed.length === 0) setImmediate(() => this.flush());
  }

  private deliver({ streams, probabilities }: VadAnswers): void {
    streams.forEach((stream, i) => this.streams.get(stream)?.answer(probabilities[i]));
  }

  /** Streams count what has not been sent among the unanswered: the next thread must not answer it again. */
  private onThreadCrash(): void {
    this.forget();
    for (const vad of [...this.streams.values()]) vad.onThreadCrash();
  }

  private forget(): void {
    this.collected = [];
    this.closed = [];
  }
}

function batchOf(collected: readonly Collected[], closed: number[]): VadBatch & { pcm: Int16Array<ArrayBuffer> } {
  const pcm = new Int16Array(collected.reduce((samples, { window }) => samples + window.length, 0));
  let at = 0;
  for (const { window } of collected) {
    pcm.set(window, at);
    at += window.length;
  }
  return { type: 'vadBatch', streams: collected.map(({ stream }) => stream), sampleRatesHz: collected.map(({ sampleRateHz }) => sampleRateHz), pcm, closed };
}
