import type { Pcm, TtsVendor } from '@dialfleet/conversation';
import { Fault } from '@dialfleet/kit';
import { IsIn, IsNumber, Max, Min } from 'class-validator';
import type { TtsVendorEntry } from '../provider-entry.js';
import { fliteVoices, isSpeechSampleRate, speechSampleRatesHz, type FliteVoice, type SpeechRuntime } from '../speech/speech-runtime.js';
import { speakSentences } from './sentence-pipeline.js';
import { toSpokenAscii } from './spoken-text.js';

export class FliteOptions {
  /** slt: American woman; rms: American man; awb: Scottish man; kal16, kal: robotic and fast. */
  @IsIn(fliteVoices)
  voice: FliteVoice = 'slt';

  /** 1 is the voice's own speed. */
  @IsNumber()
  @Min(0.5)
  @Max(2)
  speed = 1;
}

/** CMU Flite in WebAssembly: English, no network, tens of milliseconds to the first audio. */
export const flite: TtsVendorEntry = {
  label: 'Local (Flite, English)',
  options: FliteOptions,
  languages: ['en'],
  create: (options: FliteOptions, { speech }) => new FliteTts(options, speech),
};

type SpeakOptions = Parameters<TtsVendor['speak']>[1];

class FliteTts implements TtsVendor {
  readonly caps = { textStreaming: true, sampleRatesHz: speechSampleRatesHz, voices: fliteVoices };

  constructor(private readonly options: FliteOptions, private readonly speech: SpeechRuntime) {}

  /** `options.voice` '' means the voice of the bot's options. */
  speak(text: AsyncIterable<string>, { voice, language, sampleRateHz, signal }: SpeakOptions): AsyncIterable<Pcm> {
    const chosen = voice === '' ? this.options.voice : voice;
    if (!isFliteVoice(chosen)) throw new Fault(`voice "${chosen}" is not one of ${fliteVoices.join(', ')}`, false);
    if (!/^en\b/i.test(language)) throw new Fault(`flite speaks English only, not ${language}`, false);
    if (!isSpeechSampleRate(sampleRateHz)) throw new Fault(`sample rate ${sampleRateHz} is not one of ${speechSampleRatesHz.join(', ')}`, false);
    const { speed } = this.options;
    return speakSentences(text, {
      sampleRateHz,
      signal,
      synthesise: async (sentence, stop) => {
        const spoken = toSpokenAscii(sentence);
        return spoken === '' ? new Int16Array(0) : this.speech.synthesise({ voice: chosen, speed, sampleRateHz, text: spoken }, stop);
      },
    });
  }
}

const isFliteVoice = (voice: string): voice is FliteVoice => (fliteVoices as readonly string[]).includes(voice);
