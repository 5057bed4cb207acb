import { VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { LoadGate } from './load-gate.js';

const limits = { setUpsPerSecond: 10, lagHighMs: 100, lagLowMs: 30 };

describe('the load gate', () => {
  it('lets so many set-ups a second in and no more', () => {
    const clock = new VirtualClock();
    const gate = new LoadGate(clock, limits);
    const admitted = (): number => Array.from({ length: 50 }, () => gate.admit()).filter(Boolean).length;
    expect(admitted()).toBe(10);
    clock.advance(500);
    expect(admitted()).toBe(5);
    expect(gate.counts.refused).toBe(85);
  });

  it('closes when the event loop is late, and opens only well below', () => {
    const gate = new LoadGate(new VirtualClock(), limits);
    gate.lateBy(250);
    expect(gate.isOverloaded).toBe(false); // a single pause
    gate.lateBy(250);
    expect(gate.isOverloaded).toBe(true);
    expect(gate.admit()).toBe(false);
    gate.lateBy(60);
    gate.lateBy(60);
    expect(gate.isOverloaded).toBe(true); // below the upper mark, above the lower
    for (let i = 0; i < 6; i++) gate.lateBy(0);
    expect(gate.isOverloaded).toBe(false);
    expect(gate.admit()).toBe(true);
  });

  it('measures by itself, and stops when told', () => {
    let lateMs = 0;
    const clock = new VirtualClock();
    const skewed = { nowMs: () => clock.nowMs(), after: clock.after.bind(clock), monotonicMs: () => clock.monotonicMs() + lateMs };
    const gate = new LoadGate(skewed, limits).start();
    clock.advance(1000);
    expect(gate.lagMs).toBe(0);
    for (let i = 0; i < 5; i++) { lateMs += 300; clock.advance(100); }
    expect(gate.isOverloaded).toBe(true);
    clock.advance(3000);
    expect(gate.isOverloaded).toBe(false);
    gate.stop();
    for (let i = 0; i < 5; i++) { lateMs += 300; clock.advance(100); }
    expect(gate.isOverloaded).toBe(false);
  });
});
