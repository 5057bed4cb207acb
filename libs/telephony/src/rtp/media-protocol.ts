import type { LegMediaStats } from '@dialfleet/call';
import type { PacingReport } from '@dialfleet/media';
import type { MediaEvents, MediaOpening, RemoteMedia } from '../media-session.js';
import type { RtpEngineConfig } from './rtp-engine.js';

/** What the media thread is started with (`workerData`). */
export interface MediaThreadData { engine: RtpEngineConfig }

/** Commands to a session that need no answer. */
export type SessionOrder =
  | { method: 'setRemote'; remote: RemoteMedia }
  | { method: 'expectMedia'; expected: boolean }
  | { method: 'play'; tag: string; pcm: Int16Array }
  | { method: 'endOf'; tag: string }
  | { method: 'pause' }
  | { method: 'resume' };

/** Commands that are answered, with what. */
export interface Answers {
  open: { session: number; local: { address: string; port: number } };
  clear: Record<string, number>;
  sendDtmf: void;
  record: void;
  stats: LegMediaStats;
  closeSession: LegMediaStats;
  pacing: PacingReport;
}

export type Question =
  | { method: 'open'; opening: MediaOpening }
  | { method: 'pacing' }
  | { method: 'clear' | 'stats' | 'closeSession'; session: number }
  | { method: 'sendDtmf'; session: number; digits: string }
  | { method: 'record'; session: number; filePath: string };

/** Main thread → media thread. */
export type ToMediaThread =
  | { type: 'order'; session: number; order: SessionOrder }
  | { type: 'question'; request: number; question: Question }
  | { type: 'shutDown' };

/** Events that travel one by one; audio travels in batches. */
export type SessionEvent = { [K in Exclude<keyof MediaEvents, 'audio'>]: { name: K; payload: MediaEvents[K] } }[Exclude<keyof MediaEvents, 'audio'>];

/** Media thread → main thread. */
export type FromMediaThread =
  | { type: 'ready' }
  | { type: 'answer'; request: number; value: unknown }
  | { type: 'refusal'; request: number; message: string; retryable: boolean }
  | { type: 'event'; session: number; event: SessionEvent }
  /** Frames of many sessions heard in one turn of the wheel: `pcm` holds FRAME_SAMPLES for each of `sessions`, in order. */
  | { type: 'audio'; sessions: number[]; offsetsMs: number[]; pcm: Int16Array }
  | { type: 'log'; level: 'debug' | 'info' | 'warn' | 'error'; message: string; fields: Record<string, unknown> };

/** One end of the channel (`MessagePort`, `Worker`), as much of it as is used. */
export interface PostTarget<T> { postMessage(message: T, transfer?: readonly ArrayBuffer[]): void }
