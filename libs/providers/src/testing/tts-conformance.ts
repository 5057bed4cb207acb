import { describe, expect, it } from '@jest/globals';
import type { Pcm, TtsVendor } from '@dialfleet/conversation';
import { collectPcm, forever, textOf } from './speech-samples.js';

export interface TtsUnderTest { vendor(): TtsVendor; language: string }

/** What every synthesiser keeps to. */
export function ttsConformance(name: string, { vendor, language }: TtsUnderTest): void {
  const speak = (text: AsyncIterable<string>, options: { voice?: string; sampleRateHz?: number; signal?: AbortSignal } = {}): AsyncIterable<Pcm> =>
    vendor().speak(text, { voice: '', language, sampleRateHz: 8000, signal: forever, ...options });

  describe(`speech synthesis: ${name}`, () => {
    it('speaks in each of its voices, at each of its rates', async () => {
      for (const voice of vendor().caps.voices) {
        for (const sampleRateHz of vendor().caps.sampleRatesHz) {
          const pcm = await collectPcm(speak(textOf('Good morning, how are you?'), { voice, sampleRateHz }));
          expect(pcm.length / sampleRateHz).toBeGreaterThan(0.7);
          expect(pcm.length / sampleRateHz).toBeLessThan(4);
          expect(peak(pcm)).toBeGreaterThan(1500);
        }
      }
    });

    it('says all of a text, however it arrives', async () => {
      const text = 'Good morning. This is a test.';
      const whole = await collectPcm(speak(textOf(text)));
      const inPieces = await collectPcm(speak(textOf(...text)));
      const first = await collectPcm(speak(textOf('Good morning.')));
      expect(inPieces).toEqual(whole);
      expect(whole.length).toBeGreaterThan(first.length);
    });

    it('says nothing for an empty text or one without anything to say', async () => {
      for (const text of ['', '   \n', '\u0000\u0007', '😀', '...']) expect(await collectPcm(speak(textOf(text)))).toHaveLength(0);
    });

    it('yields sound before the text has ended', async () => {
      let goOn = (): void => undefined;
      const heardSome = new Promise<void>((resolve) => { goOn = resolve; });
      async function* text(): AsyncGenerator<string> {
        yield 'Good morning. ';
        await heardSome;
        yield 'Goodbye.';
      }
      const chunks = speak(text())[Symbol.asyncIterator]();
      expect((await chunks.next()).done).toBe(false);
      goOn();
      await chunks.return?.();
    });

    it('stops when aborted, without an error, though the text never ends', async () => {
      const aborting = new AbortController();
      async function* endless(): AsyncGenerator<string> {
        yield 'Good morning. ';
        await new Promise(() => undefined);
      }
      let chunks = 0;
      for await (const chunk of speak(endless(), { signal: aborting.signal })) {
        expect(chunk.length).toBeGreaterThan(0);
        chunks++;
        aborting.abort();
      }
      expect(chunks).toBe(1);
      expect(await collectPcm(speak(textOf('Good morning.'), { signal: AbortSignal.abort() }))).toHaveLength(0);
    });

    it('passes on what goes wrong with the text', async () => {
      async function* broken(): AsyncGenerator<string> {
        yield 'Good morning. ';
        throw new Error('the brain failed');
      }
      await expect(collectPcm(speak(broken()))).rejects.toThrow('the brain failed');
    });

    it('refuses a voice that it does not have', async () => {
      await expect(async () => collectPcm(speak(textOf('Hello.'), { voice: '../etc' }))).rejects.toThrow(/voice/);
    });
  });
}

const peak = (pcm: Pcm): number => pcm.reduce((max, sample) => Math.max(max, Math.abs(sample)), 0);
