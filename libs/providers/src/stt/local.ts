import type { SttEvent, SttStream, SttVendor, Pcm } from '@dialfleet/conversation';
import { AsyncQueue, Fault, type Clock } from '@dialfleet/kit';
import { IsIn } from 'class-validator';
import type { ProviderRuntime, SttVendorEntry } from '../provider-entry.js';
import { DEFAULT_MOONSHINE_MODEL, isSpeechSampleRate, moonshineModels, speechSampleRatesHz, type MoonshineModel, type SpeechRuntime, type SpeechSampleRateHz } from '../speech/speech-runtime.js';
import { TurnBuffer } from './turn-buffer.js';

const MAX_TURN_SECONDS = 60;

export class LocalSttOptions {
  /** `tiny` takes two thirds of the time of `base` and makes twice the mistakes. */
  @IsIn(moonshineModels)
  model: MoonshineModel = DEFAULT_MOONSHINE_MODEL;
}

/** Moonshine on this machine's CPU: English, no network, no streaming (a turn is recognised when it has ended). */
export const local: SttVendorEntry = {
  label: 'Local (Moonshine, English)',
  options: LocalSttOptions,
  languages: ['en'],
  create: (options: LocalSttOptions, runtime) => new LocalStt(options, runtime),
};

class LocalStt implements SttVendor {
  readonly caps = { streaming: false, interim: false, hints: true, endpointing: false, languages: ['en'] };

  constructor(private readonly options: LocalSttOptions, private readonly runtime: ProviderRuntime) {}

  open(request: { sampleRateHz: number; language: string; hints?: readonly string[]; signal: AbortSignal }): SttStream {
    const { sampleRateHz, language, hints = [], signal } = request;
    if (!/^en\b/i.test(language)) throw new Fault(`the local recogniser understands English only, not ${language}`, false);
    if (!isSpeechSampleRate(sampleRateHz)) throw new Fault(`sample rate ${sampleRateHz} is not one of ${speechSampleRatesHz.join(', ')}`, false);
    return new LocalSttStream({ model: this.options.model, sampleRateHz, speech: this.runtime.speech, clock: this.runtime.clock, signal }, hints);
  }
}

interface StreamSetup { model: MoonshineModel; sampleRateHz: SpeechSampleRateHz; speech: SpeechRuntime; clock: Clock; signal: AbortSignal }

/** Buffers a turn on this side and hands it over whole, so that audio crosses to the thread once. */
class LocalSttStream implements SttStream {
  private readonly events = new AsyncQueue<SttEvent>();
  private readonly turn: TurnBuffer;
  private readonly closing = new AbortController();
  private readonly onAbort = (): void => { void this.close(); };
  /** Settles when the last turn's `final` is out: finals keep the order of their turns. */
  private delivered: Promise<void> = Promise.resolve();

  constructor(private readonly setup: StreamSetup, private hints: readonly string[]) {
    this.turn = new TurnBuffer(setup.sampleRateHz * MAX_TURN_SECONDS);
    if (setup.signal.aborted) this.onAbort(); else setup.signal.addEventListener('abort', this.onAbort, { once: true });
  }

  push(frame: Pcm): void { if (!this.events.closed) this.turn.push(frame); }
  setHints(hints: readonly string[]): void { this.hints = [...hints]; }
  discard(): void { this.turn.clear(); }

  endOfTurn(): void {
    if (this.events.closed) return;
    const { model, sampleRateHz, speech, clock } = this.setup;
    const startedMs = clock.monotonicMs();
    const recognised = speech.transcribe({ model, sampleRateHz, pcm: this.turn.take(), hints: this.hints }, this.closing.signal);
    const earlier = this.delivered;
    this.delivered = recognised.then(async ({ text, confidence }) => {
      await earlier;
      this.events.push({ type: 'final', text, confidence, tookMs: clock.monotonicMs() - startedMs });
    }).catch((error: unknown) => { this.events.fail(error); });
  }

  async close(): Promise<void> {
    this.setup.signal.removeEventListener('abort', this.onAbort);
    this.turn.clear();
    this.events.close();
    this.closing.abort();
    await this.delivered;
  }

  [Symbol.asyncIterator](): AsyncIterator<SttEvent> { return this.events[Symbol.asyncIterator](); }
}
