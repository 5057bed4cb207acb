import { describe, expect, it } from '@jest/globals';
import { Fault, silentLogger, VirtualClock } from '@dialfleet/kit';
import type { SttEvent, SttStream } from '@dialfleet/conversation';
import type { SpeechRuntime, TranscribeRequest, Transcription } from '../speech/speech-runtime.js';
import { local, LocalSttOptions } from './local.js';

interface Asked { request: TranscribeRequest; signal: AbortSignal; answer: (text: string) => void; fail: (error: Error) => void }

function setUp(): { stream: SttStream; asked: Asked[]; clock: VirtualClock; abort: AbortController } {
  const asked: Asked[] = [];
  const clock = new VirtualClock();
  const abort = new AbortController();
  const speech: SpeechRuntime = {
    transcribe: (request, signal) => new Promise<Transcription>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      asked.push({ request, signal, answer: (text) => resolve({ text, confidence: 0.9 }), fail: reject });
    }),
    synthesise: () => Promise.reject(new Error('not used')),
    openVad: () => { throw new Error('not used'); },
  };
  const stream = local.create(new LocalSttOptions(), { logger: silentLogger, clock, speech }).open({ sampleRateHz: 8000, language: 'en-US', hints: ['yes'], signal: abort.signal });
  return { stream, asked, clock, abort };
}
const frame = (value: number): Int16Array => new Int16Array(160).fill(value);
const next = async (stream: SttStream): Promise<SttEvent | undefined> => (await stream[Symbol.asyncIterator]().next() as IteratorResult<SttEvent, undefined>).value;

describe('local recogniser', () => {
  it('hands over what belongs to the turn, with the hints of its end', async () => {
    const { stream, asked, clock } = setUp();
    stream.push(frame(1));
    stream.discard();
    stream.push(frame(2));
    stream.push(frame(3));
    stream.setHints(['no']);
    stream.endOfTurn();
    stream.setHints([]);
    expect(asked[0].request).toMatchObject({ model: 'base', sampleRateHz: 8000, hints: ['no'] });
    expect([...asked[0].request.pcm]).toEqual([...frame(2), ...frame(3)]);
    clock.advance(120);
    asked[0].answer('No.');
    expect(await next(stream)).toEqual({ type: 'final', text: 'No.', confidence: 0.9, tookMs: 120 });
  });

  it('gives finals in the order of the turns, though answers overtake', async () => {
    const { stream, asked } = setUp();
    stream.endOfTurn();
    stream.endOfTurn();
    asked[1].answer('second');
    asked[0].answer('first');
    expect([await next(stream), await next(stream)]).toMatchObject([{ text: 'first' }, { text: 'second' }]);
  });

  it('fails the stream with the thread\'s fault, after the finals before it', async () => {
    const { stream, asked } = setUp();
    stream.endOfTurn();
    stream.endOfTurn();
    asked[1].fail(new Fault('the stt thread ended', true));
    asked[0].answer('first');
    await expect(async () => { await next(stream); await next(stream); }).rejects.toMatchObject({ retryable: true });
    stream.push(frame(1));
    stream.endOfTurn();
    expect(asked).toHaveLength(2);
    await stream.close();
  });

  it('ends when the call ends, giving up the turn under way', async () => {
    const { stream, asked, abort } = setUp();
    stream.endOfTurn();
    abort.abort();
    expect(await next(stream)).toBeUndefined();
    expect(asked[0].signal.aborted).toBe(true);
    await stream.close();
  });

  it('keeps the last minute of a turn without end', () => {
    const { stream, asked } = setUp();
    for (let i = 0; i < 3010; i++) stream.push(frame(i));
    stream.endOfTurn();
    expect(asked[0].request.pcm).toHaveLength(60 * 8000);
    expect(asked[0].request.pcm[0]).toBe(10);
  });
});
