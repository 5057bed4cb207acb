import type { BotSettings } from '@dialfleet/bot';
import { PIPELINE_SAMPLE_RATE_HZ, type CallEvent } from '@dialfleet/call';
import { sentencesOf, type Pcm, type SpokenPart, type TtsVendor } from '@dialfleet/conversation';
import { errorMessage, type Clock } from '@dialfleet/kit';
import { withinEach } from './pipeline-deadline.js';
import type { TurnMarks } from './pipeline-latency.js';

const FIRST_AUDIO_LIMIT_MS = 8000;

/** What the bot says in one go, from its first sentence to its last sample. */
export interface Utterance {
  tag: string;
  parts: SpokenPart[];
  marks: TurnMarks;
  /** All of its text and audio is queued. */
  complete: boolean;
  /** The first audio was queued; null before that. */
  startedMs: number | null;
  pausedMs: number;
  stop: AbortController;
  /** How the call ends when the last sample is out. */
  then?: CallEvent;
}

export const utteranceText = (utterance: Utterance): string => utterance.parts.map((part) => part.text).join(' ');
export const utteranceSamples = (utterance: Utterance): number => utterance.parts.reduce((sum, part) => sum + part.samples, 0);

export interface SynthesisTools {
  tts: TtsVendor;
  bot: Pick<BotSettings, 'tts' | 'language'>;
  clock: Clock;
  play(utterance: Utterance, pcm: Pcm): void;
  warning(message: string): void;
}

/** Text as it comes → sentences → audio, each sentence asked for as soon as the one before is made. Throws when a sentence fails twice. */
export async function synthesiseText(utterance: Utterance, text: AsyncIterable<string>, tools: SynthesisTools): Promise<void> {
  for await (const sentence of sentencesOf(text)) {
    if (utterance.stop.signal.aborted) return;
    utterance.marks.sentenceMs ??= tools.clock.monotonicMs();
    const part: SpokenPart = { text: sentence, samples: 0, complete: false };
    utterance.parts.push(part);
    await synthesiseSentence(utterance, part, tools);
    part.complete = true;
  }
}

async function synthesiseSentence(utterance: Utterance, part: SpokenPart, tools: SynthesisTools): Promise<void> {
  try { await speak(utterance, part, tools); } catch (error) {
    if (utterance.stop.signal.aborted) return;
    tools.warning(`the voice failed: ${errorMessage(error)}`);
    // Half a sentence was said already: from the start again it would only confuse.
    if (part.samples === 0) await speak(utterance, part, tools);
  }
}

async function speak(utterance: Utterance, part: SpokenPart, { tts, bot, clock, play }: SynthesisTools): Promise<void> {
  const voice = bot.tts.options['voice'];
  const speech = tts.speak(textOf(part.text), {
    voice: typeof voice === 'string' ? voice : '', language: bot.language, sampleRateHz: PIPELINE_SAMPLE_RATE_HZ, signal: utterance.stop.signal,
  });
  for await (const pcm of withinEach(speech, FIRST_AUDIO_LIMIT_MS, clock, 'the voice')) {
    if (utterance.stop.signal.aborted) return;
    part.samples += pcm.length;
    if (pcm.length > 0) play(utterance, pcm);
  }
}

/** A text that is all there, as a stream; blank text is an empty one. */
export async function* textOf(text: string): AsyncIterable<string> { if (text.trim() !== '') yield text; }
