import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import type { ToSpeechThread } from './speech-protocol.js';
import { SpeechThread } from './speech-thread.js';

/** A worker that does nothing by itself. */
class FakeWorker extends EventEmitter {
  readonly received: ToSpeechThread[] = [];
  postMessage(message: ToSpeechThread): void { this.received.push(message); }
  terminate(): Promise<number> { this.emit('exit', 1); return Promise.resolve(1); }
  done(id: number): void { this.emit('message', { type: 'done', id, output: null }); }
}

function setUp(): { thread: SpeechThread; workers: FakeWorker[]; clock: VirtualClock } {
  const workers: FakeWorker[] = [];
  const clock = new VirtualClock();
  const start = (): Worker => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker as unknown as Worker;
  };
  return { thread: new SpeechThread({ role: 'stt', start, clock, logger: silentLogger, random: () => 0.999 }), workers, clock };
}
const warmUp = (thread: SpeechThread, signal?: AbortSignal): Promise<null> => thread.request('warmUp', { models: [] }, { signal }) as Promise<null>;
const vadBatch = { type: 'vadBatch', streams: [], sampleRatesHz: [], pcm: new Int16Array(0), closed: [1] } as const;
const settle = async (): Promise<void> => { for (let i = 0; i < 20; i++) await Promise.resolve(); };

describe('speech thread', () => {
  it('starts on first use, once, and matches answers to questions', async () => {
    const { thread, workers } = setUp();
    expect(workers).toHaveLength(0);
    const [first, second] = [warmUp(thread), warmUp(thread)];
    await settle();
    expect(workers).toHaveLength(1);
    workers[0].done(2);
    workers[0].emit('message', { type: 'failed', id: 1, message: 'no such model' });
    await expect(first).rejects.toMatchObject({ message: 'stt: no such model', retryable: true });
    await expect(second).resolves.toBeNull();
  });

  it('fails what a dead thread was doing, and starts another after a back-off', async () => {
    const { thread, workers, clock } = setUp();
    const crashes: string[] = [];
    thread.events.on('crashed', ({ message }) => crashes.push(message));
    const lost = warmUp(thread);
    await settle();
    workers[0].emit('error', new Error('out of memory'));
    workers[0].emit('exit', 1);
    await expect(lost).rejects.toMatchObject({ retryable: true, message: 'the stt thread ended (out of memory)' });
    expect(crashes).toHaveLength(1);
    expect(thread.post(vadBatch)).toBe(false);
    const later = warmUp(thread);
    await clock.advanceAsync(500);
    expect(workers).toHaveLength(1);
    await clock.advanceAsync(600);
    expect(workers).toHaveLength(2);
    workers[1].done(2);
    await expect(later).resolves.toBeNull();
    expect(thread.post(vadBatch)).toBe(true);
  });

  it('waits longer after each crash, and anew after a healthy life', async () => {
    const { thread, workers, clock } = setUp();
    const restartDelayMs = async (): Promise<number> => {
      const before = workers.length;
      const pending = warmUp(thread);
      pending.catch(() => undefined);
      const startedMs = clock.monotonicMs();
      while (workers.length === before) await clock.advanceAsync(10);
      return clock.monotonicMs() - startedMs;
    };
    const delays: number[] = [];
    for (let i = 0; i < 7; i++) {
      delays.push(await restartDelayMs());
      workers.at(-1)?.emit('exit', 1);
    }
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
    expect(delays.at(-1)).toBeLessThanOrEqual(5010);
    await restartDelayMs();
    workers.at(-1)?.removeAllListeners('message');
    clock.advance(59_000);
    expect(delays.at(-1)).toBeGreaterThan(4000);
    clock.advance(2000);
    workers.at(-1)?.emit('exit', 1);
    expect(await restartDelayMs()).toBeLessThan(600);
  });

  it('tells the thread to drop an aborted job, and waits for no thread on its behalf', async () => {
    const { thread, workers } = setUp();
    const aborting = new AbortController();
    const aborted = warmUp(thread, aborting.signal);
    await settle();
    aborting.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect(workers[0].received.map(({ type }) => type)).toEqual(['job', 'cancel']);
    workers[0].done(1);
    workers[0].emit('exit', 1);
    const duringBackOff = warmUp(thread, aborting.signal);
    await expect(duringBackOff).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('takes a thread that does not answer for dead', async () => {
    const { thread, clock } = setUp();
    const stuck = warmUp(thread);
    stuck.catch(() => undefined);
    await settle();
    clock.advance(60_000);
    await expect(stuck).rejects.toMatchObject({ retryable: true });
  });

  it('closes politely, else by force; nothing starts after', async () => {
    const { thread, workers, clock } = setUp();
    const pending = warmUp(thread);
    pending.catch(() => undefined);
    await settle();
    const closed = thread.close();
    expect(workers[0].received.at(-1)).toEqual({ type: 'close' });
    clock.advance(5000);
    await closed;
    await expect(pending).rejects.toBeInstanceOf(Error);
    await expect(warmUp(thread)).rejects.toMatchObject({ retryable: false });
    expect(thread.post(vadBatch)).toBe(false);
    expect(workers).toHaveLength(1);
    await setUp().thread.close();
  });
});
