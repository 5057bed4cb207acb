import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { lastResort } from './last-resort.js';

function setUp() {
  const clock = new VirtualClock();
  const happened: string[] = [];
  let settle: { resolve: () => void; reject: (error: Error) => void } = { resolve: () => undefined, reject: () => undefined };
  const ended = new Promise<void>((resolve, reject) => { settle = { resolve, reject }; });
  const giveUp = lastResort({
    abandonCalls: (detail) => { happened.push(`abandon: ${detail}`); return ended; },
    exit: (code) => { happened.push(`exit ${code}`); }, clock, logger: silentLogger,
  });
  return { clock, happened, giveUp, end: () => { settle.resolve(); }, fail: () => { settle.reject(new Error('stuck')); } };
}

describe('the last resort', () => {
  it('ends the calls, then the process, so that it is started again', async () => {
    const { clock, happened, giveUp, end } = setUp();
    giveUp(new Error('out of luck'));
    await clock.advanceAsync(100);
    expect(happened).toEqual(['abandon: out of luck']);
    end();
    await clock.advanceAsync(100);
    expect(happened).toEqual(['abandon: out of luck', 'exit 1']);
  });

  it('goes when the calls take too long to end', async () => {
    const { clock, happened, giveUp } = setUp();
    giveUp(new Error('out of luck'));
    await clock.advanceAsync(9900);
    expect(happened).toHaveLength(1);
    await clock.advanceAsync(200);
    expect(happened.at(-1)).toBe('exit 1');
  });

  it('goes when the calls cannot be ended, and abandons them once however many faults come', async () => {
    const { clock, happened, giveUp, fail } = setUp();
    giveUp(new Error('first'));
    giveUp('second');
    fail();
    await clock.advanceAsync(100);
    expect(happened).toEqual(['abandon: first', 'exit 1']);
  });
});
