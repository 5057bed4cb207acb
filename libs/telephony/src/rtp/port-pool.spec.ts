import { describe, expect, it } from '@jest/globals';
import { PortPool } from './port-pool.js';

describe('PortPool', () => {
  it('offers even ports whose neighbour is in the range', () => {
    expect([...new PortPool({ min: 30_001, max: 30_006 }, 5000, () => 0).candidates(0)]).toEqual([30_002, 30_004]);
    expect([...new PortPool({ min: 30_000, max: 30_001 }, 5000).candidates(0)]).toEqual([30_000]);
  });

  it.each([[30_001, 30_002], [30_000, 30_000], [0, 10], [65_000, 70_000], [1.5, 9]])('refuses the range %d to %d', (min, max) => {
    expect(() => new PortPool({ min, max }, 5000)).toThrow(RangeError);
  });

  it('leaves out ports in use, and lets a returned one rest', () => {
    const pool = new PortPool({ min: 30_000, max: 30_005 }, 5000, () => 0);
    pool.take(30_002);
    expect([...pool.candidates(0)].sort()).toEqual([30_000, 30_004]);
    pool.giveBack(30_002, 1000);
    expect([...pool.candidates(5999)].sort()).toEqual([30_000, 30_004]);
    expect([...pool.candidates(6000)].sort()).toEqual([30_000, 30_002, 30_004]);
  });

  it('goes round the range, so that a port is reused as late as possible', () => {
    const pool = new PortPool({ min: 30_000, max: 30_007 }, 0, () => 0.5);
    const taken = Array.from({ length: 5 }, () => {
      const port = pool.candidates(0).next().value as number;
      pool.take(port);
      pool.giveBack(port, 0);
      return port;
    });
    expect(taken).toEqual([30_004, 30_006, 30_000, 30_002, 30_004]);
  });

  it('remembers resting ports without a range, and only what it gave out', () => {
    const pool = new PortPool(undefined, 5000);
    pool.take(40_000);
    pool.giveBack(40_000, 0);
    pool.giveBack(41_000, 0);
    expect([pool.isFree(40_000, 4999), pool.isFree(40_000, 5000), pool.isFree(41_000, 0)]).toEqual([false, true, true]);
    expect([...pool.candidates(0)]).toEqual([]);
  });
});
