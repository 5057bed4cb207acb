import { createProviders } from '@dialfleet/providers';
import { silentLogger } from '@dialfleet/kit';
import { parseWav } from '@dialfleet/media';

/** What each channel of a stereo recording says, by the embedded recogniser: customer left, bot right. */
export async function transcribeChannels(wav: Buffer): Promise<{ customer: string; bot: string }> {
  const { channels, sampleRateHz } = parseWav(wav);
  const providers = createProviders({ logger: silentLogger });
  try {
    const words = async (pcm: Int16Array): Promise<string> => {
      const stt = providers.stt({ provider: 'local', options: {} }).open({ sampleRateHz, language: 'en-US', signal: new AbortController().signal });
      const heard = stt[Symbol.asyncIterator]();
      const texts: string[] = [];
      // The recogniser takes utterances, not minutes: cut where nobody speaks.
      for (const utterance of utterances(pcm, sampleRateHz)) {
        stt.push(utterance);
        stt.endOfTurn();
        texts.push(await nextFinal(heard));
      }
      await stt.close();
      return texts.join(' ');
    };
    return { customer: await words(channels[0]), bot: await words(channels[1]) };
  } finally { await providers.close(); }
}

async function nextFinal(events: AsyncIterator<{ type: string; text: string }>): Promise<string> {
  for (let next = await events.next(); !next.done; next = await events.next()) if (next.value.type === 'final') return next.value.text;
  return '';
}

const WINDOW_MS = 20;
const SILENCE_RMS = 150;
const GAP_MS = 600;

/** Stretches of sound with at least 600 ms of silence round them. */
export function utterances(pcm: Int16Array, sampleRateHz: number): Int16Array[] {
  const window = (sampleRateHz * WINDOW_MS) / 1000;
  const parts: Int16Array[] = [];
  let begin = -1;
  let lastVoiced = -1;
  for (let at = 0; at + window <= pcm.length; at += window) {
    if (rms(pcm.subarray(at, at + window)) > SILENCE_RMS) { if (begin < 0) begin = at; lastVoiced = at + window; }
    else if (begin >= 0 && at - lastVoiced >= (sampleRateHz * GAP_MS) / 1000) { parts.push(pcm.slice(begin, lastVoiced)); begin = -1; }
  }
  if (begin >= 0) parts.push(pcm.slice(begin, lastVoiced));
  return parts;
}

const rms = (pcm: Int16Array): number => Math.sqrt(pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length);
