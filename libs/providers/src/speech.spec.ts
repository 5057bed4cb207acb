import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Worker } from 'node:worker_threads';
import { Fault, silentLogger } from '@dialfleet/kit';
import type { SttVendor, TtsVendor, VadVendor } from '@dialfleet/conversation';
import { createProviders, type Providers } from './providers.js';
import type { SpeechRole } from './speech/speech-protocol.js';
import { callerTurn, collectPcm, forever, framesOf, joinPcm, lineNoise, overTelephone, textOf } from './testing/speech-samples.js';
import { sttConformance, takeFinals } from './testing/stt-conformance.js';
import { ttsConformance } from './testing/tts-conformance.js';
import { probabilities, vadConformance } from './testing/vad-conformance.js';

jest.setTimeout(60_000);

/** Threads need compiled JavaScript: `npm test` builds it first. */
const workerUrl = new URL('../dist/speech/speech.worker.js', import.meta.url);
const threads = new Map<SpeechRole, Worker>();

let providers: Providers;
const stt = (): SttVendor => providers.stt({ provider: 'local', options: {} });
const tts = (): TtsVendor => providers.tts({ provider: 'flite', options: {} });
const vad = (): VadVendor => providers.vad();
const turn = (phrase: string, voice: string): Promise<Int16Array> => callerTurn(tts(), phrase, voice);

beforeAll(async () => {
  providers = createProviders({
    logger: silentLogger,
    speech: {
      workerUrl,
      startWorker(url, data) {
        const worker = new Worker(url, { workerData: data });
        threads.set(data.role, worker);
        return worker;
      },
    },
  });
  await providers.warmUp();
});
afterAll(() => providers.close());

const phrases = [
  { phrase: 'I would like to book an appointment.', word: 'appointment' },
  { phrase: 'How much does it cost?', word: 'cost' },
  { phrase: 'Please call me back tomorrow.', word: 'tomorrow' },
];

for (const voice of ['rms', 'slt']) {
  sttConformance(`local, hearing ${voice}`, {
    vendor: stt,
    turns: () => Promise.all(phrases.map(async ({ phrase, word }) => ({ pcm: await turn(phrase, voice), word }))),
  });
}
ttsConformance('flite', { vendor: tts, language: 'en-US' });
vadConformance('silero', {
  vendor: vad,
  speech: async () => overTelephone(await collectPcm(tts().speak(textOf('I would like to book an appointment for next Monday.'),
    { voice: 'rms', language: 'en-US', sampleRateHz: 8000, signal: forever }))),
});

async function hear(pcm: Int16Array, hints: readonly string[] = []): Promise<string> {
  const stream = stt().open({ sampleRateHz: 8000, language: 'en-GB', hints, signal: forever });
  for (const frame of framesOf(pcm)) stream.push(frame);
  stream.endOfTurn();
  const [{ text }] = await takeFinals(stream, 1);
  await stream.close();
  return text.replace(/\.$/, '');
}

describe('local speech', () => {
  it('hears short answers that are expected', async () => {
    for (const voice of ['rms', 'slt', 'awb']) {
      for (const answer of ['Yes', 'No']) expect([voice, await hear(await turn(answer, voice), ['yes', 'no'])]).toEqual([voice, answer]);
      expect(await hear(await turn('Monday', voice), ['Monday', 'Tuesday', 'Wednesday'])).toBe('Monday');
    }
  });

  it('forces no hint on another answer, a number or a long one', async () => {
    for (const voice of ['rms', 'slt']) {
      expect(await hear(await turn('Tomorrow morning.', voice), ['yes', 'no'])).toMatch(/morning/i);
      expect(await hear(await turn('Four one five five.', voice), ['yes', 'no'])).toMatch(/one five five|1.?5.?5/i);
      expect(await hear(await turn('I have to ask my wife about that first.', voice), ['yes', 'no'])).toMatch(/wife/i);
    }
  });

  it('hears short answers over a noisy line', async () => {
    for (const answer of ['Yes', 'No', 'Tomorrow']) {
      const speech = await turn(answer, 'rms');
      const noise = lineNoise(speech.length / 8, 250);
      expect(await hear(overTelephone(speech.map((sample, i) => sample + noise[i])), ['yes', 'no', 'tomorrow'])).toBe(answer);
    }
  });

  it('recognises a turn longer than the model takes, and keeps at most the last minute', async () => {
    const sentence = await turn('Please call me back tomorrow.', 'rms');
    const pcm = joinPcm(await turn('How much does it cost?', 'rms'), ...Array.from({ length: 9 }, () => sentence), await turn('Goodbye.', 'rms'));
    expect(pcm.length / 8000).toBeGreaterThan(25);
    const text = await hear(pcm);
    expect(text).toMatch(/cost/i);
    expect(text.match(/tomorrow/gi)?.length).toBeGreaterThanOrEqual(8);
    expect(text).toMatch(/goodbye/i);
  });

  it('takes 16 kHz as well', async () => {
    const pcm = await collectPcm(tts().speak(textOf('How much does it cost?'), { voice: 'slt', language: 'en-US', sampleRateHz: 16_000, signal: forever }));
    const stream = stt().open({ sampleRateHz: 16_000, language: 'en', signal: forever });
    for (const frame of framesOf(pcm, 320)) stream.push(frame);
    stream.endOfTurn();
    expect((await takeFinals(stream, 1))[0].text).toMatch(/how much does it cost/i);
    await stream.close();
  });

  it('refuses languages and rates that it does not know', () => {
    expect(() => stt().open({ sampleRateHz: 8000, language: 'de-DE', signal: forever })).toThrow(/English only/);
    expect(() => stt().open({ sampleRateHz: 44_100, language: 'en', signal: forever })).toThrow(/44100/);
    expect(() => tts().speak(textOf('Hallo.'), { voice: '', language: 'de', sampleRateHz: 8000, signal: forever })).toThrow(/English only/);
  });

  it('survives the death of each thread', async () => {
    const pcm = await turn('How much does it cost?', 'rms');

    const stream = stt().open({ sampleRateHz: 8000, language: 'en', signal: forever });
    for (const frame of framesOf(pcm)) stream.push(frame);
    stream.endOfTurn();
    const lost = expect(takeFinals(stream, 1)).rejects.toMatchObject({ constructor: Fault, retryable: true });
    await threads.get('stt')?.terminate();
    await lost;
    expect(await hear(pcm)).toMatch(/cost/i);

    const speaking = expect(collectPcm(tts().speak(textOf('A sentence that nobody has said before.'), { voice: '', language: 'en', sampleRateHz: 8000, signal: forever })))
      .rejects.toMatchObject({ retryable: true });
    // The request reaches the thread in a later turn of the event loop than the abort of the thread would.
    await new Promise(setImmediate);
    await threads.get('tts')?.terminate();
    await speaking;
    expect((await collectPcm(tts().speak(textOf('Another new sentence.'), { voice: '', language: 'en', sampleRateHz: 8000, signal: forever }))).length).toBeGreaterThan(0);

    const windows: number[] = [];
    const detector = vad().open({ sampleRateHz: 8000, onWindow: (probability) => windows.push(probability) });
    detector.push(pcm);
    await threads.get('vad')?.terminate();
    expect(windows).toHaveLength(Math.floor(pcm.length / 256));
    detector.close();
    const again = await eventually(() => probabilities(vad(), pcm), (found) => found.some((probability) => probability > 0.5));
    expect(again.length).toBe(windows.length);
  });
});

/** A thread that died starts again after a short back-off; until then windows count as silence. */
async function eventually<T>(attempt: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await attempt();
    if (good(value)) return value;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
