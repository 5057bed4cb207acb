import type { SpeechJobKind, SpeechJobs, VadBatch } from './speech-protocol.js';

/** What a role does inside its thread. Kinds that are another role's are absent. */
export interface SpeechService {
  readonly jobs: { readonly [K in SpeechJobKind]?: (input: SpeechJobs[K]['input']) => Promise<SpeechJobs[K]['output']> };
  onVad?(batch: VadBatch): void;
}
