import type { TrunkEntry } from '@dialfleet/fleet';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import type { RegisterResult, RegistrationStanding } from '@dialfleet/telephony';
import { describe, expect, it } from '@jest/globals';
import { TrunkRegistration } from './trunk-registration.js';

const entry: TrunkEntry = {
  workspaceId: 'ws', trunk: { trunkId: 't1', host: '127.0.0.1', transport: 'tcp', username: 'u', password: 'p', codecs: ['PCMU'] }, register: true, registerExpiresSeconds: 600, inboundSources: [], inboundAuth: false,
};
const granted = (expiresSeconds: number): RegisterResult => ({ outcome: 'registered', sipStatus: 200, reason: 'OK', expiresSeconds, serviceRoute: [], server: 'tcp:127.0.0.1:5060' });
const refused: RegisterResult = { outcome: 'refused', sipStatus: 403, reason: 'Forbidden' };
const silence: RegisterResult = { outcome: 'unanswered', reason: 'no answer' };

function registration(...results: (RegisterResult | Error)[]) {
  const clock = new VirtualClock();
  const world = { asked: [] as number[], opened: 0, unregistered: 0, closed: 0, standings: [] as RegistrationStanding[], loseFlow: (() => undefined) as (reason: string) => void, hold: undefined as Promise<void> | undefined };
  const it = new TrunkRegistration({
    entry, clock, logger: silentLogger, random: () => 0.5, onStanding: (standing) => { world.standings.push(standing); },
    open: (onFlowLost) => {
      world.opened++;
      world.loseFlow = onFlowLost;
      return Promise.resolve({
        register: async () => {
          world.asked.push(clock.monotonicMs());
          await world.hold;
          const result = results[Math.min(world.asked.length, results.length) - 1];
          if (result instanceof Error) throw result;
          return result;
        },
        unregister: () => { world.unregistered++; return Promise.resolve(); },
        close: () => { world.closed++; },
      });
    },
  });
  return { it, clock, world, registered: () => world.standings.map((standing) => standing.registered) };
}

describe('the registration of a trunk', () => {
  it('is refreshed before it lapses, with one client, and taken away at the end', async () => {
    const { it, clock, world } = registration(granted(100));
    it.start();
    await clock.advanceAsync(200_000, 100);
    expect(world.asked.map((ms) => Math.floor(ms / 1000))).toEqual([0, 77, 155]);
    expect([world.opened, world.standings.at(-1)?.registered]).toEqual([1, true]);
    await it.end();
    expect([world.unregistered, world.closed]).toEqual([1, 0]);
    await clock.advanceAsync(200_000, 1000);
    expect(world.asked).toHaveLength(3);
  });

  it('lapses when nobody answers any more, and comes back', async () => {
    const { it, clock, world, registered } = registration(granted(100), ...Array.from({ length: 5 }, () => silence), granted(100));
    it.start();
    await clock.advanceAsync(160_000, 500);
    expect(registered()).toEqual([true, true, true, true, true, false, false, true]);
    expect(world.standings.some((standing) => !standing.registered && standing.lastAnswer?.reason === 'no answer')).toBe(true);
    expect(world.standings.at(-1)).toMatchObject({ registered: true, failures: 0 });
  });

  it('is not hammered out of a registrar that says no', async () => {
    const { it, clock, world } = registration(refused);
    it.start();
    await clock.advanceAsync(3_600_000, 5000);
    expect(world.asked.length).toBeLessThan(12);
    await it.end();
    expect([world.unregistered, world.closed]).toEqual([0, 1]);
  });

  it('is made again at once when the connection it came over is lost', async () => {
    const { it, clock, world } = registration(granted(3600));
    it.start();
    await clock.advanceAsync(10_000, 100);
    world.loseFlow('reset');
    await clock.advanceAsync(2_000, 100);
    expect(world.asked.map((ms) => Math.floor(ms / 1000))).toEqual([0, 10]);
  });

  it('is left alone while nobody knows whose it is, and lapses in its time', async () => {
    const { it, clock, world } = registration(granted(100));
    it.start();
    await clock.advanceAsync(1000);
    it.suspend();
    await clock.advanceAsync(120_000, 500);
    expect([world.asked.length, world.standings.at(-1)?.registered]).toEqual([1, false]);
    it.resume();
    await clock.advanceAsync(1000);
    expect([world.asked.length, world.standings.at(-1)?.registered]).toEqual([2, true]);
  });

  it('that cannot even be begun says so and tries again', async () => {
    const { it, clock, world } = registration(new Error('SIP over wss needs a certificate'), granted(60));
    it.start();
    await clock.advanceAsync(100);
    expect(world.standings.at(-1)).toMatchObject({ registered: false, lastAnswer: { status: null, reason: 'SIP over wss needs a certificate' } });
    await clock.advanceAsync(5000);
    expect(world.standings.at(-1)?.registered).toBe(true);
  });

  it('ended while a REGISTER is under way leaves no binding behind', async () => {
    const { it, clock, world } = registration(granted(60));
    let answer: () => void = () => undefined;
    world.hold = new Promise((resolve) => { answer = resolve; });
    it.start();
    await clock.advanceAsync(10);
    const ended = it.end();
    answer();
    await ended;
    expect([world.unregistered, world.standings]).toEqual([1, []]);
  });
});
