export * from './provider-entry.js';
export * from './speech/speech-runtime.js';
export { SpeechThreads, type SpeechThreadsOptions } from './speech/speech-threads.js';
export { sttVendors } from './stt/stt-vendors.js';
export { ttsVendors } from './tts/tts-vendors.js';
export { vadVendors } from './vad/vad-vendors.js';
