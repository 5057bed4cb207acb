export { InvalidProviderError } from './provider-choice.js';
export type * from './provider-entry.js';
export { createProviders, validateProviderChoice, type ProviderKind, type Providers, type ProvidersOptions } from './providers.js';
export { SpeechThreads, type SpeechThreadsOptions } from './speech/speech-threads.js';
export { fliteVoices } from './speech/speech-runtime.js';
export type * from './speech/speech-runtime.js';
export { sttVendors } from './stt/stt-vendors.js';
export { ttsVendors } from './tts/tts-vendors.js';
export { vadVendors } from './vad/vad-vendors.js';
