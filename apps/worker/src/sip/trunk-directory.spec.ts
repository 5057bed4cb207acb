import type { TrunkEntry } from '@dialfleet/fleet';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { TrunkDirectory } from './trunk-directory.js';

const entry = (trunkId: string): TrunkEntry => ({
  workspaceId: 'ws', trunk: { trunkId, host: '127.0.0.1', port: 5060, transport: 'udp', codecs: ['PCMU'] }, register: false, registerExpiresSeconds: 3600, inboundSources: [], inboundAuth: false,
});

function directory() {
  const clock = new VirtualClock();
  const world = { answers: [] as (TrunkEntry[] | Error)[], asked: 0, changes: [] as number[] };
  const it = new TrunkDirectory(() => {
    const answer = world.answers[Math.min(world.asked++, world.answers.length - 1)];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }, clock, silentLogger);
  it.events.on('changed', (entries) => { world.changes.push(entries.length); });
  return { it, clock, world };
}

describe('the trunk directory', () => {
  it('asks at start and every 30 s, and says only what changed', async () => {
    const { it: trunks, clock, world } = directory();
    world.answers = [[entry('a')], [entry('a')], [entry('a'), entry('b')]];
    trunks.start();
    await clock.advanceAsync(100);
    expect([trunks.isKnown, trunks.find('a')?.trunk.trunkId, trunks.find('b')]).toEqual([true, 'a', undefined]);
    await clock.advanceAsync(65_000, 500);
    expect([world.asked, world.changes]).toEqual([3, [1, 2]]);
    trunks.stop();
    await clock.advanceAsync(65_000, 500);
    expect(world.asked).toBe(3);
  });

  it('asks each second until a gateway answers, and keeps what it knows while none does', async () => {
    const { it: trunks, clock, world } = directory();
    world.answers = [new Error('no responders'), new Error('no responders'), [entry('a')], new Error('time-out')];
    trunks.start();
    await clock.advanceAsync(500);
    expect(trunks.isKnown).toBe(false);
    await clock.advanceAsync(2000, 100);
    expect(trunks.entries).toHaveLength(1);
    await clock.advanceAsync(31_000, 500);
    expect([world.asked, trunks.entries.length, world.changes]).toEqual([4, 1, [1]]);
  });

  it('joins questions: many changes at once are asked about twice at most', async () => {
    const { it: trunks, clock, world } = directory();
    world.answers = [[], [entry('a')]];
    await Promise.all([trunks.refresh(), trunks.refresh(), trunks.refresh()]);
    await clock.advanceAsync(10);
    expect([world.asked, trunks.entries.length]).toEqual([2, 1]);
  });
});
