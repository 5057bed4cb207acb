import type { ProviderChoice } from '@dialfleet/bot';
import type { LlmVendor, SttVendor, TtsVendor, VadVendor } from '@dialfleet/conversation';
import { systemClock, type Clock, type Logger } from '@dialfleet/kit';
import { llmVendors } from './llm/llm-vendors.js';
import { chooseProvider, InvalidProviderError } from './provider-choice.js';
import type { LlmVendorEntry, ProviderEntry, ProviderRuntime } from './provider-entry.js';
import type { WarmUpReport } from './speech/speech-runtime.js';
import { SpeechThreads, type SpeechThreadsOptions } from './speech/speech-threads.js';
import { sttVendors } from './stt/stt-vendors.js';
import { ttsVendors } from './tts/tts-vendors.js';
import { vadVendors } from './vad/vad-vendors.js';

export interface ProvidersOptions {
  logger: Logger;
  clock?: Clock;
  /** Where the local speech threads come from. */
  speech?: Pick<SpeechThreadsOptions, 'workerUrl' | 'startWorker'>;
}

/** Every vendor, by a bot's choice. A wrong choice throws InvalidProviderError. No thread starts before it is needed. */
export interface Providers {
  stt(choice: ProviderChoice): SttVendor;
  tts(choice: ProviderChoice): TtsVendor;
  llm(choice: ProviderChoice): LlmVendor;
  vad(choice?: ProviderChoice): VadVendor;
  /** Loads the local models ahead of the first call. */
  warmUp(): Promise<WarmUpReport>;
  close(): Promise<void>;
}

const DEFAULT_VAD: ProviderChoice = { provider: 'silero', options: {} };

export function createProviders({ logger, clock = systemClock, speech: speechOptions }: ProvidersOptions): Providers {
  const speech = new SpeechThreads({ logger, clock, ...speechOptions });
  const runtime: ProviderRuntime = { logger, clock, speech };
  return {
    stt: (choice) => create('stt', sttVendors, choice, runtime),
    tts: (choice) => create('tts', ttsVendors, choice, runtime),
    llm: (choice) => create('llm', llmVendors, choice, runtime),
    vad: (choice = DEFAULT_VAD) => create('vad', vadVendors, choice, runtime),
    async warmUp() {
      for (const entry of Object.values<LlmVendorEntry>(llmVendors)) await entry.warmUp?.();
      const report = await speech.warmUp();
      logger.info('local speech is warm', { ...report });
      return report;
    },
    close: () => speech.close(),
  };
}

const registries = { stt: sttVendors, tts: ttsVendors, llm: llmVendors, vad: vadVendors } satisfies Record<string, Record<string, ProviderEntry<unknown>>>;
export type ProviderKind = keyof typeof registries;

/** What is wrong with a choice, as `path: problem`; empty when nothing is. Loads no model and no native module. */
export function validateProviderChoice(kind: ProviderKind, choice: ProviderChoice): string[] {
  const chosen = chooseProvider<unknown>(registries[kind], choice);
  return chosen.ok ? [] : chosen.problems;
}

/** The languages of a chosen vendor where `language` (BCP 47) is none of them; undefined where it is, or there is no such vendor. */
export function missingLanguage(kind: ProviderKind, choice: ProviderChoice, language: string): readonly string[] | undefined {
  const chosen = chooseProvider<unknown>(registries[kind], choice);
  const languages = chosen.ok ? chosen.entry.languages : undefined;
  return languages?.includes(language.split('-', 1)[0].toLowerCase()) ? undefined : languages;
}

function create<Vendor>(kind: ProviderKind, registry: Record<string, ProviderEntry<Vendor>>, choice: ProviderChoice, runtime: ProviderRuntime): Vendor {
  const chosen = chooseProvider(registry, choice);
  if (!chosen.ok) throw new InvalidProviderError(kind, chosen.problems);
  return chosen.entry.create(chosen.options, runtime);
}
