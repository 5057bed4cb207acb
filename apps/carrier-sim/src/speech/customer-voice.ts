import type { Pcm } from '@dialfleet/conversation';
import { systemClock, type Logger } from '@dialfleet/kit';
import { SAMPLE_RATE_HZ } from '@dialfleet/media';
import { SpeechThreads, ttsVendors } from '@dialfleet/providers';

export interface SpokenLine { text: string; voice: string; speed: number }

/** Gives the customers their voices: linear PCM at 8 kHz. */
export interface CustomerVoice {
  speak(line: SpokenLine): Promise<Pcm>;
  close(): Promise<void>;
}

/**
 * Flite in a thread of its own.
 *
 * @param workerUrl the compiled speech worker, where this runs from sources
 */
export function fliteVoice({ logger, workerUrl }: { logger: Logger; workerUrl?: URL }): CustomerVoice {
  const speech = new SpeechThreads({ logger, workerUrl });
  const { signal } = new AbortController();
  return {
    async speak({ text, voice, speed }) {
      const tts = ttsVendors.flite.create({ voice, speed }, { logger, clock: systemClock, speech });
      const pieces: Pcm[] = [];
      for await (const pcm of tts.speak(oneText(text), { voice, language: 'en', sampleRateHz: SAMPLE_RATE_HZ, signal })) pieces.push(pcm);
      return joined(pieces);
    },
    close: () => speech.close(),
  };
}

async function* oneText(text: string): AsyncGenerator<string> { yield text; }

function joined(pieces: readonly Pcm[]): Pcm {
  const whole = new Int16Array(pieces.reduce((samples, piece) => samples + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
