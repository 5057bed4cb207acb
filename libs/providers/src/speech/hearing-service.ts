import loadFvad from '@echogarden/fvad-wasm';
import { Lazy } from './lazy.js';
import { MoonshineTranscriber } from './moonshine-transcriber.js';
import { SileroState, SileroVad } from './silero-vad.js';
import { moonshineModels, type MoonshineModel } from './speech-runtime.js';
import type { SpeechService } from './speech-service.js';
import { VadLanes } from './vad-lanes.js';

/** Decodes run on libuv's pool, which the whole process shares for files and DNS: leave it room. */
const CONCURRENT_DECODES = 2;

export function hearingService(answer: (stream: number, probability: number) => void): SpeechService {
  const transcribers = Object.fromEntries(moonshineModels.map((model) => [model, new Lazy(() => MoonshineTranscriber.load(model))])) as Record<MoonshineModel, Lazy<MoonshineTranscriber>>;
  const silero = new Lazy(() => SileroVad.load());
  const lanes = new Lazy(async () => new VadLanes(await silero.get(), await loadFvad(), answer));
  return {
    concurrency: CONCURRENT_DECODES,
    jobs: {
      async warmUp({ models }) {
        await (await silero.get()).probability(new SileroState(8000), new Int16Array(256));
        await lanes.get();
        for (const model of models) await (await transcribers[model].get()).warmUp();
        return null;
      },
      async transcribe({ model, ...turn }) { return (await transcribers[model].get()).transcribe(turn); },
    },
    onVad(message) { void lanes.get().then((loaded) => loaded.push(message)); },
  };
}
