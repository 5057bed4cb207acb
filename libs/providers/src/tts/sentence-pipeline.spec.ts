import { describe, expect, it } from '@jest/globals';
import { collectPcm, forever, textOf } from '../testing/speech-samples.js';
import { speakSentences } from './sentence-pipeline.js';

/** A "voice" of as many samples as the sentence has characters. */
function voice(): { said: string[]; synthesise: (sentence: string) => Promise<Int16Array> } {
  const said: string[] = [];
  return { said, synthesise: (sentence) => { said.push(sentence); return Promise.resolve(new Int16Array(sentence.length).fill(said.length)); } };
}
const settle = async (): Promise<void> => { for (let i = 0; i < 50; i++) await Promise.resolve(); };

describe('sentence pipeline', () => {
  it('speaks sentence by sentence, in order', async () => {
    const { said, synthesise } = voice();
    const pcm = await collectPcm(speakSentences(textOf('Dr. Smith is', ' here. It is 10.30 a.m. now! Is', ' it?'), { sampleRateHz: 8000, signal: forever, synthesise }));
    expect(said).toEqual(['Dr. Smith is here.', 'It is 10.30 a.m. now!', 'Is it?']);
    expect([...pcm]).toEqual(said.flatMap((sentence, i) => Array.from(sentence, () => i + 1)));
  });

  it('does not run far ahead of its reader', async () => {
    const { said, synthesise } = voice();
    const chunks = speakSentences(textOf('One one. Two two. Three three. Four four. Five five. Six six.'), { sampleRateHz: 8000, signal: forever, synthesise })[Symbol.asyncIterator]();
    await chunks.next();
    await settle();
    expect(said.length).toBeLessThanOrEqual(4);
    for (let i = 0; i < 5; i++) await chunks.next();
    expect(said).toHaveLength(6);
    expect((await chunks.next()).done).toBe(true);
  });

  it('aborts the synthesis under way when its reader leaves', async () => {
    const signals: AbortSignal[] = [];
    const synthesise = (sentence: string, signal: AbortSignal): Promise<Int16Array> => {
      signals.push(signal);
      return signals.length === 1 ? Promise.resolve(new Int16Array(sentence.length)) : new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason)); });
    };
    for await (const chunk of speakSentences(textOf('One one. Two two.'), { sampleRateHz: 8000, signal: forever, synthesise })) {
      expect(chunk).toHaveLength(8);
      break;
    }
    await settle();
    expect(signals.every((signal) => signal.aborted)).toBe(true);
  });

  it('fails when the synthesis fails, after what was made before', async () => {
    let made = 0;
    const synthesise = (): Promise<Int16Array> => (made++ === 0 ? Promise.resolve(new Int16Array(5)) : Promise.reject(new Error('thread gone')));
    let heard = 0;
    await expect(async () => {
      for await (const chunk of speakSentences(textOf('One one. Two two.'), { sampleRateHz: 8000, signal: forever, synthesise })) heard += chunk.length;
    }).rejects.toThrow('thread gone');
    expect(heard).toBe(5);
  });
});
