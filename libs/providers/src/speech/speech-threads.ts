import { Worker } from 'node:worker_threads';
import type { Pcm, VadStream } from '@dialfleet/conversation';
import { systemClock, type Clock, type Logger } from '@dialfleet/kit';
import { ByteLruCache } from './byte-lru-cache.js';
import { speechRoles, type SpeechRole, type SpeechThreadData } from './speech-protocol.js';
import { DEFAULT_MOONSHINE_MODEL, type MoonshineModel, type SpeechRuntime, type SpeechSampleRateHz, type SynthesiseRequest, type TranscribeRequest, type Transcription, type WarmUpReport } from './speech-runtime.js';
import { SpeechThread } from './speech-thread.js';
import { VadStreams } from './vad-streams.js';

/** About 17 minutes of speech at 8 kHz. */
const SYNTHESIS_CACHE_BYTES = 16 * 2 ** 20;

export interface SpeechThreadsOptions {
  logger: Logger;
  clock?: Clock;
  /** The compiled `speech.worker.js`; given where the sources themselves run. */
  workerUrl?: URL;
  /** How a thread comes to be. */
  startWorker?: (url: URL, data: SpeechThreadData) => Worker;
}

/** The local speech models, a thread for each kind. */
export class SpeechThreads implements SpeechRuntime {
  private readonly threads: Record<SpeechRole, SpeechThread>;
  private readonly synthesised = new ByteLruCache<Pcm>(SYNTHESIS_CACHE_BYTES);
  private readonly clock: Clock;
  private readonly vadStreams: VadStreams;

  constructor({ logger, clock = systemClock, workerUrl = new URL('./speech.worker.js', import.meta.url), startWorker = startThread }: SpeechThreadsOptions) {
    const thread = (role: SpeechRole): SpeechThread =>
      new SpeechThread({ role, clock, logger, start: () => startWorker(workerUrl, { role }) });
    this.clock = clock;
    this.threads = { vad: thread('vad'), stt: thread('stt'), tts: thread('tts') };
    this.vadStreams = new VadStreams(this.threads.vad);
  }

  /** Loads everything and runs it once: a call that comes after pays for neither. */
  async warmUp(models: readonly MoonshineModel[] = [DEFAULT_MOONSHINE_MODEL]): Promise<WarmUpReport> {
    const startedMs = this.clock.monotonicMs();
    const warm = async (role: SpeechRole): Promise<number> => {
      await this.threads[role].request('warmUp', { models });
      return Math.round(this.clock.monotonicMs() - startedMs);
    };
    const [vadMs, sttMs, ttsMs] = await Promise.all([warm('vad'), warm('stt'), warm('tts')]);
    return { vadMs, sttMs, ttsMs };
  }

  transcribe(request: TranscribeRequest, signal: AbortSignal): Promise<Transcription> {
    return this.threads.stt.request('transcribe', request, { signal, transfer: ownBuffer(request.pcm) });
  }

  async synthesise(request: SynthesiseRequest, signal: AbortSignal): Promise<Pcm> {
    const key = JSON.stringify([request.voice, request.speed, request.sampleRateHz, request.text]);
    const known = this.synthesised.get(key);
    if (known) return known;
    const pcm = await this.threads.tts.request('synthesise', request, { signal });
    this.synthesised.set(key, pcm);
    return pcm;
  }

  openVad(options: { sampleRateHz: SpeechSampleRateHz; onWindow: (probability: number) => void }): VadStream {
    return this.vadStreams.open(options);
  }

  async close(): Promise<void> {
    this.vadStreams.flush();
    await Promise.all(speechRoles.map((role) => this.threads[role].close()));
  }
}

function startThread(url: URL, data: SpeechThreadData): Worker {
  // ONNX Runtime reports to its maker from 1.29 on unless told not to before it loads. Said here, since a thread's own
  // process.env is a copy that native code does not see.
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  return new Worker(url, { workerData: data, name: `speech-${data.role}` });
}

/** An array that is a view on a larger buffer is copied over; one with a buffer of its own moves. */
function ownBuffer(pcm: Pcm): ArrayBuffer[] {
  return pcm.buffer instanceof ArrayBuffer && pcm.byteLength === pcm.buffer.byteLength ? [pcm.buffer] : [];
}
