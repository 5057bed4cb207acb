import { describe, expect, it } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import { PacingWheel } from './pacing-wheel.js';

interface Tick { item: string; deadlineMs: number; atMs: number }

/** Drives a wheel with a timer that comes `lateness(n)` ms late on its n-th wake. */
function drive(items: readonly string[], durationMs: number, lateness: (wake: number) => number = () => 0): { ticks: Tick[]; wheel: PacingWheel<string> } {
  const clock = new VirtualClock();
  const wheel = new PacingWheel<string>(0);
  const ticks: Tick[] = [];
  let wake = 0;
  for (const item of items) wheel.add(item, 0);
  const schedule = (): void => {
    clock.after(wheel.nextDeadlineMs()! - clock.monotonicMs() + lateness(wake++), () => {
      wheel.run(clock.monotonicMs(), (item, deadlineMs) => ticks.push({ item, deadlineMs, atMs: clock.monotonicMs() }));
      schedule();
    });
  };
  schedule();
  clock.advance(durationMs);
  return { ticks, wheel };
}

const deadlinesOf = (ticks: readonly Tick[], item: string): number[] => ticks.filter((tick) => tick.item === item).map((tick) => tick.deadlineMs);
const steps = (deadlines: readonly number[]): number[] => deadlines.slice(1).map((deadline, i) => deadline - deadlines[i]);

describe('PacingWheel', () => {
  it('calls each item every 20 ms, spread over phases of 2 ms', () => {
    const items = Array.from({ length: 20 }, (_, i) => `s${i}`);
    const { ticks } = drive(items, 100);
    for (const item of items) expect(deadlinesOf(ticks, item)).toHaveLength(item === 's0' || item === 's10' ? 6 : 5);
    expect(new Set(ticks.map((tick) => tick.deadlineMs % 20)).size).toBe(10);
  });

  it('does not drift when every wake comes late', () => {
    const { ticks } = drive(['a'], 10_000, (wake) => (wake * 7) % 9);
    expect(deadlinesOf(ticks, 'a').slice(0, 499)).toEqual(Array.from({ length: 499 }, (_, i) => i * 20));
    for (const { atMs, deadlineMs } of ticks) expect(atMs - deadlineMs).toBeLessThan(9);
  });

  it('catches up after a stall without leaving a frame out', () => {
    const { ticks, wheel } = drive(['a', 'b'], 1000, (wake) => (wake === 10 ? 150 : 0));
    for (const item of ['a', 'b']) expect(new Set(steps(deadlinesOf(ticks, item)))).toEqual(new Set([20]));
    expect(wheel.report()).toMatchObject({ periodsSkipped: 0, maxLagMs: 150 });
  });

  it('leaves whole periods out after a longer stall, staying in phase', () => {
    const { ticks, wheel } = drive(['a', 'b'], 3000, (wake) => (wake === 10 ? 1010 : 0));
    for (const item of ['a', 'b']) {
      const deadlines = deadlinesOf(ticks, item);
      expect(steps(deadlines).filter((step) => step !== 20)).toEqual([1020]);
      expect(new Set(deadlines.map((deadline) => deadline % 20)).size).toBe(1);
    }
    expect(wheel.report().periodsSkipped).toBe(50);
  });

  it('wakes only for phases that are in use, and not at all when empty', () => {
    const wheel = new PacingWheel<string>(1000);
    expect(wheel.nextDeadlineMs()).toBeNull();
    wheel.add('a', 1000);
    wheel.run(1000, () => undefined);
    expect(wheel.nextDeadlineMs()).toBe(1020);
    wheel.remove('a');
    wheel.remove('a');
    expect(wheel.nextDeadlineMs()).toBeNull();
  });

  it('gives a newcomer no deadline from before it joined', () => {
    const wheel = new PacingWheel<string>(0);
    wheel.add('old', 0);
    wheel.add('new', 90);
    const seen: [string, number][] = [];
    wheel.run(130, (item, deadlineMs) => seen.push([item, deadlineMs]));
    expect(seen.filter(([item]) => item === 'new').map(([, deadline]) => deadline)).toEqual([102, 122]);
    const idle = new PacingWheel<string>(0);
    idle.add('late', 500_001);
    expect(idle.nextDeadlineMs()).toBeGreaterThanOrEqual(500_001);
    expect(idle.nextDeadlineMs()).toBeLessThan(500_021);
  });

  it('lets items leave while it runs', () => {
    const wheel = new PacingWheel<string>(0, { phases: 1 });
    for (const item of ['a', 'b', 'c']) wheel.add(item, 0);
    const seen: string[] = [];
    wheel.run(20, (item) => { seen.push(item); wheel.remove('b'); });
    expect(seen).toEqual(['a', 'c', 'a', 'c']);
  });

  it('spreads again over phases that emptied', () => {
    const wheel = new PacingWheel<number>(0);
    for (let i = 0; i < 30; i++) wheel.add(i, 0);
    for (let i = 0; i < 30; i += 10) wheel.remove(i);
    for (let i = 100; i < 103; i++) wheel.add(i, 0);
    const perPhase = new Map<number, number>();
    wheel.run(19, (_, deadlineMs) => perPhase.set(deadlineMs, (perPhase.get(deadlineMs) ?? 0) + 1));
    expect([...perPhase.values()]).toEqual(new Array(10).fill(3));
  });
});
