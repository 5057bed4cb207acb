import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { leaseTimes, RegistrationLease, type LeaseStore } from './registration-lease.js';

const TTL_MS = 10_000;

/** A broker's lease of one key, on virtual time. */
class FakeLeases implements LeaseStore {
  away = false;
  private held: { owner: string; revision: number; untilMs: number } | undefined;
  private revision = 0;
  readonly listeners: ((owner: string | null) => void)[] = [];

  constructor(private readonly clock: VirtualClock) {}

  get owner(): string | undefined { return this.held && this.held.untilMs > this.clock.monotonicMs() ? this.held.owner : undefined; }

  acquire(_trunkId: string, owner: string): Promise<number | undefined> {
    if (this.away) return Promise.reject(new Error('away'));
    return Promise.resolve(this.owner === undefined ? this.put(owner) : undefined);
  }

  renew(_trunkId: string, owner: string, revision: number): Promise<number | undefined> {
    if (this.away) return Promise.reject(new Error('away'));
    return Promise.resolve(this.owner !== undefined && this.held?.revision === revision ? this.put(owner) : undefined);
  }

  release(_trunkId: string, revision: number): Promise<void> {
    if (this.away) return Promise.reject(new Error('away'));
    if (this.held?.revision === revision) { this.held = undefined; this.tell(null); }
    return Promise.resolve();
  }

  /** The broker lost its disk. */
  wipe(): void { this.held = undefined; }

  private put(owner: string): number {
    this.held = { owner, revision: ++this.revision, untilMs: this.clock.monotonicMs() + TTL_MS };
    this.tell(owner);
    return this.revision;
  }

  private tell(owner: string | null): void { for (const listener of this.listeners) listener(owner); }
}

function world() {
  const clock = new VirtualClock();
  const store = new FakeLeases(clock);
  const said: string[] = [];
  const lease = (name: string): RegistrationLease => {
    const one = new RegistrationLease('t1', name, store, leaseTimes(TTL_MS), clock, silentLogger, { held: () => said.push(`${name} held`), lost: (why) => said.push(`${name} ${why}`) }, () => 0.5);
    store.listeners.push((owner) => { one.heard(owner); });
    return one;
  };
  return { clock, store, said, lease };
}

describe('a lease', () => {
  it('has one owner, who keeps it', async () => {
    const { clock, store, said, lease } = world();
    const [a, b] = [lease('a'), lease('b')];
    a.start();
    b.start(5);
    await clock.advanceAsync(120_000, 100);
    expect([store.owner, said, a.isHeld, b.isHeld]).toEqual(['a', ['a held'], true, false]);
  });

  it('goes to another worker at once when it is given back, and within its life when the owner dies', async () => {
    const { clock, store, said, lease } = world();
    const [a, b] = [lease('a'), lease('b')];
    a.start();
    b.start(5);
    await clock.advanceAsync(1000, 50);
    await a.end();
    await clock.advanceAsync(1500, 50);
    expect(store.owner).toBe('b');
    store.listeners.length = 0; // b is dead: it hears nothing, and …
    const died = clock.monotonicMs();
    store.renew = () => Promise.reject(new Error('dead'));
    const c = lease('c');
    c.start();
    while (!c.isHeld && clock.monotonicMs() < died + 20_000) await clock.advanceAsync(100, 50);
    expect(clock.monotonicMs() - died).toBeLessThanOrEqual(13_000);
    expect(said).toEqual(expect.arrayContaining(['a held', 'b held', 'c held']));
  });

  it('is given up before the broker gives it to another, when it cannot be renewed', async () => {
    const { clock, store, said, lease } = world();
    lease('a').start();
    await clock.advanceAsync(3500, 50);
    store.away = true;
    while (!said.includes('a lapsed')) await clock.advanceAsync(100, 50);
    expect(store.owner).toBe('a');
    await clock.advanceAsync(60_000, 100);
    store.away = false;
    await clock.advanceAsync(3500, 50);
    expect(said).toEqual(['a held', 'a lapsed', 'a held']);
  });

  it('outlives a broker that forgot it, without a word to anybody', async () => {
    const { clock, store, said, lease } = world();
    lease('a').start();
    await clock.advanceAsync(1000, 50);
    store.wipe();
    await clock.advanceAsync(5000, 50);
    expect([store.owner, said]).toEqual(['a', ['a held']]);
  });

  it('that somebody else took is theirs', async () => {
    const { clock, store, said, lease } = world();
    lease('a').start();
    await clock.advanceAsync(1000, 50);
    store.wipe();
    await store.acquire('t1', 'z');
    await clock.advanceAsync(5000, 50);
    expect(said).toEqual(['a held', 'a taken']);
  });
});
