import type { Pcm, VadStream } from '@dialfleet/conversation';

export const moonshineModels = ['tiny', 'base'] as const;
export type MoonshineModel = (typeof moonshineModels)[number];
export const DEFAULT_MOONSHINE_MODEL: MoonshineModel = 'base';

export const fliteVoices = ['slt', 'rms', 'awb', 'kal16', 'kal'] as const;
export type FliteVoice = (typeof fliteVoices)[number];

export type SpeechSampleRateHz = 8000 | 16000;
export const speechSampleRatesHz: readonly number[] = [8000, 16000];
export const isSpeechSampleRate = (rateHz: number): rateHz is SpeechSampleRateHz => speechSampleRatesHz.includes(rateHz);

/** 256 samples at 8 kHz, 512 at 16 kHz: what Silero was trained on. */
export const VAD_WINDOW_MS = 32;

/** One finished turn of a speaker. */
export interface TranscribeRequest {
  model: MoonshineModel;
  sampleRateHz: SpeechSampleRateHz;
  /** Handed over: the sender must not touch it again. */
  pcm: Pcm;
  /** Likely answers; may replace what a short turn was heard as. Empty: free recognition only. */
  hints: readonly string[];
}

export interface Transcription {
  /** '' when nothing intelligible was said. */
  text: string;
  /** Mean probability of a token, 0..1; null when there is no text. */
  confidence: number | null;
}

/** One sentence, printable ASCII. */
export interface SynthesiseRequest {
  voice: FliteVoice;
  /** 1 is the voice's own speed, 2 twice as fast. */
  speed: number;
  sampleRateHz: SpeechSampleRateHz;
  text: string;
}

/** How long each thread took to start, load its models and run them once. */
export interface WarmUpReport { vadMs: number; sttMs: number; ttsMs: number }

/** Local speech, behind the threads that run it. Failures are retryable `Fault`s. */
export interface SpeechRuntime {
  transcribe(request: TranscribeRequest, signal: AbortSignal): Promise<Transcription>;
  /** Cached: the PCM is shared between callers and must not be changed. */
  synthesise(request: SynthesiseRequest, signal: AbortSignal): Promise<Pcm>;
  openVad(options: { sampleRateHz: SpeechSampleRateHz; onWindow: (probability: number) => void }): VadStream;
}
