import { describe, expect, it } from '@jest/globals';
import { climb } from './ramp.js';

/** What each run of each load reports, in order; the last repeats. */
function system(late: Record<number, number[]>) {
  const ran: number[] = [];
  const run = (load: number) => {
    const times = ran.filter((other) => other === load).length;
    ran.push(load);
    return Promise.resolve({ late: late[load][Math.min(times, late[load].length - 1)] });
  };
  const options = { steps: Object.keys(late).map(Number), run, holds: (r: { late: number }) => r.late < 1, repeats: 3 };
  return { ran, climb: () => climb(options) };
}

describe('climbing', () => {
  it('stops at the first load that does not hold and gives the median of the one below', async () => {
    const s = system({ 10: [0], 20: [0.1, 0.5, 0.3], 30: [5], 40: [0] });
    expect(await s.climb()).toEqual({ best: { load: 20, run: { late: 0.3 } }, beyond: { load: 30, run: { late: 5 } }, tried: [{ load: 10, run: { late: 0 } }, { load: 20, run: { late: 0.1 } }, { load: 30, run: { late: 5 } }] });
    expect(s.ran).toEqual([10, 20, 30, 20, 20]);
  });

  it('steps down where a load held once by luck', async () => {
    const s = system({ 10: [0.2], 20: [0.5, 2, 3], 30: [9] });
    expect(await s.climb()).toMatchObject({ best: { load: 10, run: { late: 0.2 } }, beyond: { load: 20, run: { late: 2 } } });
  });

  it('says so when nothing holds, and uses the last step when everything does', async () => {
    expect(await system({ 10: [4] }).climb()).toMatchObject({ best: null, beyond: { load: 10 } });
    expect(await system({ 10: [0], 20: [0] }).climb()).toMatchObject({ best: { load: 20 }, beyond: null });
  });
});
