import type { Pcm } from '@dialfleet/conversation';
import type { MoonshineModel, SpeechSampleRateHz, SynthesiseRequest, TranscribeRequest, Transcription } from './speech-runtime.js';

/** One thread each: voice activity must never wait for recognition, nor either for synthesis. */
export const speechRoles = ['vad', 'stt', 'tts'] as const;
export type SpeechRole = (typeof speechRoles)[number];

/** Given to a thread as its `workerData`. */
export interface SpeechThreadData { role: SpeechRole }

/** Request/reply between an owner and its thread. */
export interface SpeechJobs {
  /** Loads the role's models and runs each once. */
  warmUp: { input: { models: readonly MoonshineModel[] }; output: null };
  transcribe: { input: TranscribeRequest; output: Transcription };
  synthesise: { input: SynthesiseRequest; output: Pcm };
}
export type SpeechJobKind = keyof SpeechJobs;

/**
 * Voice activity windows of any streams, in order. The thread makes a stream on its first window, so a restarted thread
 * just goes on.
 */
export interface VadBatch {
  type: 'vadBatch';
  /** The stream of each window, and its rate. */
  streams: readonly number[];
  sampleRatesHz: readonly SpeechSampleRateHz[];
  /** The windows, one behind the other, `VAD_WINDOW_MS` each. */
  pcm: Pcm;
  /** Streams that are over once these windows have been heard. */
  closed: readonly number[];
}

/** One probability for each window of a batch that has any, in its order. */
export interface VadAnswers { type: 'vadAnswers'; streams: readonly number[]; probabilities: readonly number[] }

export type ToSpeechThread =
  | { [K in SpeechJobKind]: { type: 'job'; id: number; kind: K; input: SpeechJobs[K]['input'] } }[SpeechJobKind]
  /** The job's result is no longer wanted: a queued one is dropped without an answer. */
  | { type: 'cancel'; id: number }
  | VadBatch
  /** Finish what runs, then exit. */
  | { type: 'close' };

export type FromSpeechThread =
  | { type: 'done'; id: number; output: SpeechJobs[SpeechJobKind]['output'] }
  | { type: 'failed'; id: number; message: string }
  | VadAnswers;
