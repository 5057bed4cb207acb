import { describe, expect, it } from '@jest/globals';
import type { Pcm, SttEvent, SttStream, SttVendor } from '@dialfleet/conversation';
import { forever, framesOf, lineNoise } from './speech-samples.js';

export interface SttUnderTest {
  vendor(): SttVendor;
  /** 8 kHz turns, with a word that each must be recognised to hold. */
  turns(): Promise<{ pcm: Pcm; word: string }[]>;
}

/** What every recogniser keeps to, whoever runs it. */
export function sttConformance(name: string, { vendor, turns }: SttUnderTest): void {
  const open = (signal: AbortSignal = forever): SttStream => vendor().open({ sampleRateHz: 8000, language: vendor().caps.languages[0], signal });

  describe(`speech recognition: ${name}`, () => {
    it('gives one final a turn, in the order of the turns', async () => {
      const stream = open();
      const expected = await turns();
      for (const { pcm } of expected) say(stream, pcm);
      const finals = await takeFinals(stream, expected.length);
      finals.forEach(({ text }, i) => expect(text.toLowerCase()).toContain(expected[i].word));
      await stream.close();
    });

    it('serves several calls at once without mixing them', async () => {
      const expected = (await turns()).slice(0, 3);
      const streams = expected.map(() => open());
      streams.forEach((stream, i) => say(stream, expected[i].pcm));
      const texts = await Promise.all(streams.map(async (stream) => (await takeFinals(stream, 1))[0].text.toLowerCase()));
      texts.forEach((text, i) => expect(text).toContain(expected[i].word));
      await Promise.all(streams.map((stream) => stream.close()));
    });

    it('finds nothing in an empty turn, in discarded audio, and in silence', async () => {
      const stream = open();
      const [{ pcm }] = await turns();
      stream.endOfTurn();
      for (const frame of framesOf(pcm)) stream.push(frame);
      stream.discard();
      stream.endOfTurn();
      say(stream, lineNoise(800));
      expect((await takeFinals(stream, 3)).map(({ text }) => text)).toEqual(['', '', '']);
      await stream.close();
    });

    it('does not keep the frames it was given', async () => {
      const stream = open();
      const [{ pcm, word }] = await turns();
      const frame = new Int16Array(160);
      for (const part of framesOf(pcm)) {
        frame.fill(0);
        frame.set(part);
        stream.push(frame);
      }
      stream.endOfTurn();
      expect((await takeFinals(stream, 1))[0].text.toLowerCase()).toContain(word);
      await stream.close();
    });

    it('ends its events when closed and when aborted, and ignores what comes after', async () => {
      const closed = open();
      await closed.close();
      await closed.close();
      const aborting = new AbortController();
      const aborted = open(aborting.signal);
      say(aborted, (await turns())[0].pcm);
      aborting.abort();
      for (const stream of [closed, aborted, open(AbortSignal.abort())]) {
        say(stream, lineNoise(100));
        expect(await allEvents(stream)).toEqual([]);
      }
    });
  });
}

function say(stream: SttStream, pcm: Pcm): void {
  for (const frame of framesOf(pcm)) stream.push(frame);
  stream.endOfTurn();
}

type Final = Extract<SttEvent, { type: 'final' }>;

export async function takeFinals(stream: SttStream, count: number): Promise<Final[]> {
  const finals: Final[] = [];
  if (count === 0) return finals;
  const events = stream[Symbol.asyncIterator]();
  for (let next = await events.next(); !next.done; next = await events.next()) {
    if (next.value.type === 'final') finals.push(next.value);
    if (finals.length === count) break;
  }
  expect(finals).toHaveLength(count);
  return finals;
}

async function allEvents(stream: SttStream): Promise<SttEvent[]> {
  const events: SttEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}
