import { resample } from '@dialfleet/media';
import { FliteSynthesiser } from './flite-synthesiser.js';
import { Lazy } from './lazy.js';
import type { SpeechService } from './speech-service.js';
import type { SynthesiseRequest } from './speech-runtime.js';
import { trimSilence } from './trim-silence.js';

/** What stays of the silence around a sentence: the pause that separates it from the next. */
const LEAD_MS = 60;
const TAIL_MS = 180;

export function ttsService(): SpeechService {
  const flite = new Lazy(() => FliteSynthesiser.load());

  async function synthesise({ text, voice, speed, sampleRateHz }: SynthesiseRequest): Promise<Int16Array> {
    const clip = (await flite.get()).synthesise(text, voice, speed);
    const speech = trimSilence(clip.pcm, clip.sampleRateHz, LEAD_MS, TAIL_MS);
    return resample(speech, clip.sampleRateHz, sampleRateHz);
  }

  return {
    jobs: {
      async warmUp() {
        await synthesise({ text: 'Good morning.', voice: 'slt', speed: 1, sampleRateHz: 8000 });
        return null;
      },
      synthesise,
    },
  };
}
