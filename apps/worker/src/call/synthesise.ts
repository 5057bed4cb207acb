import type { BotSettings } from '@dialfleet/bot';
import { PIPELINE_SAMPLE_RATE_HZ } from '@dialfleet/call';
import type { Pcm, TtsVendor } from '@dialfleet/conversation';

/** The whole text as one piece of PCM at the pipeline's rate. Empty when `signal` aborts first. */
export async function synthesise(tts: TtsVendor, text: string, bot: Pick<BotSettings, 'tts' | 'language'>, signal: AbortSignal): Promise<Pcm> {
  const voice = typeof bot.tts.options['voice'] === 'string' ? bot.tts.options['voice'] : '';
  const chunks: Pcm[] = [];
  for await (const pcm of tts.speak(once(text), { voice, language: bot.language, sampleRateHz: PIPELINE_SAMPLE_RATE_HZ, signal })) chunks.push(pcm);
  const whole = new Int16Array(chunks.reduce((n, chunk) => n + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) { whole.set(chunk, at); at += chunk.length; }
  return whole;
}

async function* once(text: string): AsyncIterable<string> { yield text; }
