import loadFvad from '@echogarden/fvad-wasm';
import { Lazy } from './lazy.js';
import { SileroState, SileroVad } from './silero-vad.js';
import type { VadAnswers } from './speech-protocol.js';
import type { SpeechService } from './speech-service.js';
import { VadLanes } from './vad-lanes.js';

/** `answer` is called once for each batch that has windows, in the order in which they came. */
export function vadService(answer: (answers: VadAnswers) => void): SpeechService {
  const silero = new Lazy(() => SileroVad.load());
  const lanes = new Lazy(async () => new VadLanes(await silero.get(), await loadFvad(), answer));
  return {
    jobs: {
      async warmUp() {
        await lanes.get();
        await (await silero.get()).probability(new SileroState(8000), new Int16Array(256));
        return null;
      },
    },
    onVad(batch) { void lanes.get().then((loaded) => loaded.push(batch)); },
  };
}
