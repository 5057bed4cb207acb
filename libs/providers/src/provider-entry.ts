import type { LlmVendor, SttVendor, TtsVendor, VadVendor } from '@dialfleet/conversation';
import type { Clock, Logger } from '@dialfleet/kit';
import type { SpeechRuntime } from './speech/speech-runtime.js';

/** What a vendor may use besides its own options. */
export interface ProviderRuntime {
  logger: Logger;
  clock: Clock;
  /** The local speech models, in their own threads. */
  speech: SpeechRuntime;
}

/**
 * One vendor, as its file exports it. A registry (`stt/stt-vendors.ts`, `tts/…`, `llm/…`, `vad/…`) is a record of
 * entries by the name that a bot's settings carry: a new vendor is one new file and one line there.
 *
 * An entry file must stay light to import (the control plane validates with it): native modules, models and SDKs are
 * loaded with `import()` inside `create` or on first use.
 */
export interface ProviderEntry<Vendor> {
  /** Shown to people. */
  readonly label: string;
  /** class-validator decorated; a default is the property's initial value, so that `{}` is valid where possible. */
  readonly options: new () => object;
  /** Primary language subtags (RFC 5646 §2.2.1) that it works in. Absent: any. */
  readonly languages?: readonly string[];
  /** `options` is a validated instance of the class above. */
  create(options: object, runtime: ProviderRuntime): Vendor;
  /** Loads what would otherwise stall the first call; the worker waits for it before it takes calls. */
  warmUp?(): Promise<unknown>;
}

export type SttVendorEntry = ProviderEntry<SttVendor>;
export type TtsVendorEntry = ProviderEntry<TtsVendor>;
export type LlmVendorEntry = ProviderEntry<LlmVendor>;
export type VadVendorEntry = ProviderEntry<VadVendor>;
