import { describe, expect, it } from '@jest/globals';
import { JobQueue } from './job-queue.js';

describe('job queue', () => {
  it('runs one at a time, in order, and drops what is cancelled in time', async () => {
    const queue = new JobQueue();
    const log: string[] = [];
    const job = (name: string) => async (): Promise<void> => {
      log.push(`${name} begins`);
      await new Promise(setImmediate);
      log.push(`${name} ends`);
    };
    queue.add(1, job('one'));
    queue.add(2, job('two'));
    const last = new Promise<void>((resolve) => { queue.add(3, async () => { await job('three')(); resolve(); }); });
    queue.cancel(2);
    queue.cancel(99);
    await last;
    expect(log).toEqual(['one begins', 'one ends', 'three begins', 'three ends']);
  });

  it('closes when what runs is over, without the rest', async () => {
    const queue = new JobQueue();
    const log: number[] = [];
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => { begin = resolve; });
    queue.add(1, async () => { begin(); await new Promise(setImmediate); log.push(1); });
    queue.add(2, () => { log.push(2); return Promise.resolve(); });
    await begun;
    await queue.close();
    expect(log).toEqual([1]);
    await queue.close();
  });
});
