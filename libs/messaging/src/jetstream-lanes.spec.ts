import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JetStreamLanes } from './jetstream-lanes.js';

describe('lanes', () => {
  it('keep the order of each key, run no key twice at once, and never more than allowed', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.scheduler(), fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 20 }), async (concurrency, scheduler, keys) => {
      const lanes = new JetStreamLanes(concurrency);
      const done: [string, number][] = [];
      const running: string[] = [];
      keys.forEach((key, index) => {
        lanes.add(key, async () => {
          expect(running).not.toContain(key);
          running.push(key);
          expect(running.length).toBeLessThanOrEqual(concurrency);
          await scheduler.schedule(Promise.resolve());
          running.splice(running.indexOf(key), 1);
          done.push([key, index]);
        });
      });
      const idle = lanes.idle();
      await scheduler.waitFor(idle);
      for (const key of ['a', 'b', 'c']) {
        expect(done.filter(([k]) => k === key).map(([, i]) => i)).toEqual(keys.flatMap((k, i) => (k === key ? [i] : [])));
      }
    }));
  });
  it('a key that waits holds up no other', async () => {
    const lanes = new JetStreamLanes(2);
    const done: string[] = [];
    let release = (): void => undefined;
    lanes.add('slow', () => new Promise((resolve) => { release = resolve; }));
    lanes.add('slow', async () => { done.push('slow'); });
    for (const n of ['1', '2', '3']) lanes.add(n, async () => { done.push(n); });
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(done).toEqual(['1', '2', '3']);
    release();
    await lanes.idle();
    expect(done).toEqual(['1', '2', '3', 'slow']);
  });
});
