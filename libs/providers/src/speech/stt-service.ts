import { Lazy } from './lazy.js';
import { MoonshineTranscriber } from './moonshine-transcriber.js';
import { moonshineModels, type MoonshineModel } from './speech-runtime.js';
import type { SpeechService } from './speech-service.js';

export function sttService(): SpeechService {
  const transcribers = new Map(moonshineModels.map((model) => [model, new Lazy(() => MoonshineTranscriber.load(model))]));
  const transcriber = (model: MoonshineModel): Promise<MoonshineTranscriber> => {
    const known = transcribers.get(model);
    if (!known) throw new Error(`no model ${model}`);
    return known.get();
  };
  return {
    jobs: {
      async warmUp({ models }) {
        for (const model of models) await (await transcriber(model)).warmUp();
        return null;
      },
      async transcribe({ model, ...turn }) { return (await transcriber(model)).transcribe(turn); },
    },
  };
}
