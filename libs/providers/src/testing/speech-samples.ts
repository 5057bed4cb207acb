import type { Pcm, TtsVendor } from '@dialfleet/conversation';
import { decodeG711, encodeG711 } from '@dialfleet/media';

/** Never aborts. */
export const forever: AbortSignal = new AbortController().signal;

export async function* textOf(...deltas: string[]): AsyncGenerator<string> { yield* deltas; }

export function joinPcm(...parts: Pcm[]): Pcm {
  const joined = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export async function collectPcm(chunks: AsyncIterable<Pcm>): Promise<Pcm> {
  const parts: Pcm[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return joinPcm(...parts);
}

/** `ms` of faint noise, as a quiet telephone line has. The same every time. */
export function lineNoise(ms: number, amplitude = 10, rateHz = 8000): Pcm {
  let seed = 7;
  return Int16Array.from({ length: (ms * rateHz) / 1000 }, () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.round((seed / 2 ** 30 - 1) * amplitude);
  });
}

/** What a receiver gets of it: through 8 bit µ-law. */
export function overTelephone(pcm: Pcm): Pcm {
  const codes = new Uint8Array(pcm.length);
  encodeG711('PCMU', pcm, codes);
  return decodeG711('PCMU', codes);
}

/** A caller's turn as a pipeline hands it over: some line noise, the phrase, the silence that ended the turn; 8 kHz. */
export async function callerTurn(tts: TtsVendor, phrase: string, voice: string): Promise<Pcm> {
  const speech = await collectPcm(tts.speak(textOf(phrase), { voice, language: 'en-US', sampleRateHz: 8000, signal: forever }));
  return overTelephone(joinPcm(lineNoise(250), speech, lineNoise(500)));
}

/** In 20 ms frames. */
export function* framesOf(pcm: Pcm, samples = 160): Generator<Pcm> {
  for (let at = 0; at < pcm.length; at += samples) yield pcm.subarray(at, at + samples);
}
