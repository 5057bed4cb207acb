import { beforeEach, describe, expect, it } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import { KeptFlow, PingedFlow, type KeptFlowContext, type PingedFlowContext } from './kept-flow.js';
import type { Hop } from './sip-socket.js';

const hop = (flow: string): Hop => ({ transport: 'tls', address: '192.0.2.1', port: 5061, hostname: 'a.test', flow });
let clock: VirtualClock;
let told: string[];
beforeEach(() => { clock = new VirtualClock(); told = []; });
const tells = { onUp: () => { told.push('up'); }, onDown: (reason: string) => { told.push(reason); } };

/** What is due now happens before time goes on. */
const settled = async (): Promise<void> => { for (let i = 0; i < 8; i++) await Promise.resolve(); };

describe('KeptFlow', () => {
  /** Connects as `answers` say, one after the other; the last goes on. */
  const start = (...answers: (string | Error)[]): { kept: KeptFlow; attemptsMs: number[] } => {
    const attemptsMs: number[] = [];
    const connect: KeptFlowContext['connect'] = () => {
      attemptsMs.push(clock.monotonicMs());
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(hop(answer ?? ''));
    };
    return { kept: new KeptFlow({ ...tells, clock, connect, random: () => 0.5 }), attemptsMs };
  };

  it('connects again, and says so, whenever its connection is lost, and only then', async () => {
    const { kept } = start('tls1', 'tls2');
    await clock.advanceAsync(40_000, 1_000);
    kept.lost('tls9', 'another');
    expect([kept.isUp, told]).toEqual([true, ['up']]);
    kept.lost('tls1', 'reset by peer');
    expect(kept.isUp).toBe(false);
    await clock.advanceAsync(1_000, 100);
    expect([kept.isUp, told]).toEqual([true, ['up', 'reset by peer', 'up']]);
  });

  it('waits longer from failure to failure, a minute at most', async () => {
    const { attemptsMs } = start(new Error('refused'));
    await settled();
    await clock.advanceAsync(300_000, 500);
    expect(attemptsMs.slice(0, 9).map((ms) => Math.round(ms / 1_000))).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
    expect(told[0]).toBe('refused');
  });

  it('does not hammer a server that takes connections and drops them', async () => {
    const { kept, attemptsMs } = start('tls1');
    for (let second = 0; second < 60; second++) {
      await clock.advanceAsync(1_000, 250);
      kept.lost('tls1', 'closed');
    }
    expect(attemptsMs.length).toBeLessThan(8);
  });

  it('is over when released, also while it connects', async () => {
    const { kept, attemptsMs } = start('tls1');
    kept.release();
    await clock.advanceAsync(1_000, 100);
    kept.lost('tls1', 'closed');
    await clock.advanceAsync(100_000, 1_000);
    expect([attemptsMs.length, told, kept.isUp]).toEqual([1, [], false]);
  });
});

describe('PingedFlow', () => {
  const start = (answers: (string | undefined)[], more: Partial<PingedFlowContext> = {}): { flow: PingedFlow; asked: () => number } => {
    let asked = 0;
    const ping = (): Promise<string | undefined> => Promise.resolve(answers[Math.min(asked++, answers.length - 1)]);
    return { flow: new PingedFlow({ ...tells, clock, everyMs: 30_000, ping, ...more }), asked: () => asked };
  };

  it('tells of changes only, and of silence after a second question', async () => {
    const { flow, asked } = start([undefined, undefined, 'silent', undefined, 'silent', 'silent', 'silent', undefined]);
    await settled();
    await clock.advanceAsync(60_000, 500);
    expect([asked(), told, flow.isUp]).toEqual([3, ['up'], true]);
    await clock.advanceAsync(110_000, 500);
    expect([asked(), told, flow.isUp]).toEqual([8, ['up', 'silent', 'up'], true]);
  });

  it('asks nothing where that is not wanted, nor after its release', async () => {
    const quiet = start(['silent'], { everyMs: 0 });
    await clock.advanceAsync(100_000, 1_000);
    expect([quiet.asked(), quiet.flow.isUp, told]).toEqual([0, true, ['up']]);
    const released = start([undefined]);
    released.flow.release();
    await clock.advanceAsync(100_000, 1_000);
    expect([released.asked(), told]).toEqual([1, ['up']]);
  });
});
