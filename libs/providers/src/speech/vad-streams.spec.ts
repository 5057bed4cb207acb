import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Emitter, Fault } from '@dialfleet/kit';
import type { VadStream } from '@dialfleet/conversation';
import type { ToSpeechThread, VadBatch } from './speech-protocol.js';
import type { SpeechThreadEvents } from './speech-thread.js';
import { VadStreams } from './vad-streams.js';

const WINDOW = 256;

/** Takes messages, unless it is down, and answers when told to: each window with its first sample, in hundredths. */
class FakeThread {
  readonly events = new Emitter<SpeechThreadEvents>();
  readonly received: VadBatch[] = [];
  down = false;
  private answered = 0;

  post(message: ToSpeechThread): boolean {
    if (!this.down) this.received.push(message as VadBatch);
    return !this.down;
  }

  answerNext(): void {
    const batch = this.received.at(this.answered);
    if (!batch) return;
    this.answered++;
    const { streams } = batch;
    if (streams.length > 0) this.events.emit('vadAnswers', { type: 'vadAnswers', streams, probabilities: streams.map((_, i) => batch.pcm[i * WINDOW] / 100) });
  }

  crash(): void {
    this.answered = this.received.length;
    this.events.emit('crashed', new Fault('out of memory', true));
  }
}

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
const windowOf = (sample: number): Int16Array => new Int16Array(WINDOW).fill(sample);

function setUp(count: number): { thread: FakeThread; vad: VadStreams; streams: VadStream[]; heard: number[][] } {
  const thread = new FakeThread();
  const vad = new VadStreams(thread);
  const heard = Array.from({ length: count }, (): number[] => []);
  const streams = heard.map((own) => vad.open({ sampleRateHz: 8000, onWindow: (probability) => own.push(probability) }));
  return { thread, vad, streams, heard };
}

describe('voice activity streams on one thread', () => {
  it('makes one message of all windows of a turn, and takes one for all their answers', async () => {
    const { thread, streams, heard } = setUp(3);
    streams[0].push(windowOf(10));
    streams[2].push(windowOf(20));
    await Promise.resolve();
    streams[0].push(windowOf(30));
    streams[1].push(new Int16Array(WINDOW - 1));
    expect(thread.received).toEqual([]);
    await turnOfTheLoop();
    expect(thread.received).toEqual([{
      type: 'vadBatch', streams: [1, 3, 1], sampleRatesHz: [8000, 8000, 8000], closed: [],
      pcm: Int16Array.of(...windowOf(10), ...windowOf(20), ...windowOf(30)),
    }]);
    thread.answerNext();
    expect(heard).toEqual([[0.1, 0.3], [], [0.2]]);
    await turnOfTheLoop();
    expect(thread.received).toHaveLength(1);
  });

  it('sends a full batch at once', async () => {
    const { thread, streams } = setUp(1);
    streams[0].push(new Int16Array(67 * WINDOW));
    expect(thread.received.map((batch) => batch.streams.length)).toEqual([32, 32]);
    await turnOfTheLoop();
    expect(thread.received.map((batch) => batch.streams.length)).toEqual([32, 32, 3]);
  });

  it('mixes rates', () => {
    const { thread, vad, streams } = setUp(1);
    streams[0].push(windowOf(1));
    vad.open({ sampleRateHz: 16_000, onWindow: () => undefined }).push(new Int16Array(512).fill(2));
    vad.flush();
    expect(thread.received).toEqual([expect.objectContaining({ streams: [1, 2], sampleRatesHz: [8000, 16_000], pcm: Int16Array.of(...windowOf(1), ...windowOf(2), ...windowOf(2)) })]);
  });

  it('says what is closed behind the last windows, and is silent about it from then on', async () => {
    const { thread, streams, heard } = setUp(2);
    streams[0].push(windowOf(10));
    streams[1].push(windowOf(20));
    streams[0].close();
    streams[0].push(windowOf(30));
    await turnOfTheLoop();
    expect(thread.received).toEqual([expect.objectContaining({ streams: [1, 2], closed: [1] })]);
    thread.answerNext();
    expect(heard).toEqual([[], [0.2]]);
    streams[1].close();
    await turnOfTheLoop();
    expect(thread.received[1]).toMatchObject({ streams: [], closed: [2] });
  });

  it('answers with silence while the thread is down', async () => {
    const { thread, streams, heard } = setUp(2);
    thread.down = true;
    for (const stream of streams) stream.push(windowOf(10));
    await turnOfTheLoop();
    thread.down = false;
    streams[0].push(windowOf(20));
    await turnOfTheLoop();
    thread.answerNext();
    expect(heard).toEqual([[0, 0.2], [0]]);
  });

  it('does not show the next thread what it has already answered with silence', async () => {
    const { thread, streams, heard } = setUp(1);
    streams[0].push(windowOf(10));
    thread.crash();
    expect(heard).toEqual([[0]]);
    streams[0].push(windowOf(20));
    await turnOfTheLoop();
    expect(thread.received).toEqual([expect.objectContaining({ streams: [1], pcm: windowOf(20) })]);
    thread.answerNext();
    expect(heard).toEqual([[0, 0.2]]);
  });

  it('sends what is left when asked to', async () => {
    const { thread, vad, streams } = setUp(1);
    streams[0].push(windowOf(10));
    vad.flush();
    vad.flush();
    await turnOfTheLoop();
    expect(thread.received).toHaveLength(1);
  });

  it('answers each window once and in order, whatever becomes of the thread', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('push' as const), stream: fc.nat(2), windows: fc.integer({ min: 1, max: 20 }) }) },
      { weight: 5, arbitrary: fc.constant({ do: 'answer' as const }) },
      { weight: 3, arbitrary: fc.constant({ do: 'turn' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'toggle' as const }) },
    );
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { thread, streams, heard } = setUp(3);
      const pushed = [0, 0, 0];
      for (const each of steps) {
        if (each.do === 'push') for (let i = 0; i < each.windows; i++) streams[each.stream].push(windowOf(++pushed[each.stream]));
        else if (each.do === 'answer') thread.answerNext();
        else if (each.do === 'turn') await turnOfTheLoop();
        else {
          // A thread is only ever down after a crash.
          thread.crash();
          if (each.do === 'toggle') thread.down = !thread.down;
        }
      }
      await turnOfTheLoop();
      for (let i = 0; i < steps.length * 21; i++) thread.answerNext();
      heard.forEach((own, stream) => {
        expect(own).toHaveLength(pushed[stream]);
        own.forEach((probability, i) => { expect([0, (i + 1) / 100]).toContain(probability); });
      });
    }));
  });
});
