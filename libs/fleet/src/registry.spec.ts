import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Heartbeat } from './heartbeat.js';
import { pickWorker } from './pick.js';
import { explainNoCapacity, RegistryView, summarise, type WorkerView } from './registry.js';

const beat = (workerId: string, over: Partial<Heartbeat> = {}): Heartbeat => ({
  workerId, epoch: 'e1', status: 'ready', calls: 0, max: 8, version: '1', startedAtMs: 0, mediaAddress: '127.0.0.1', cpuLoad: 0, ...over });

describe('the registry', () => {
  it('calls a silent worker unreachable after 3 s and forgets it after 60 s', () => {
    const registry = new RegistryView();
    registry.heard(beat('w1'), 0);
    expect(registry.workers(3000, 0)[0].status).toBe('ready');
    expect(registry.workers(3001, 0)[0]).toMatchObject({ status: 'unreachable', free: 0 });
    expect(registry.workers(60_001, 0)).toEqual([]);
  });

  it('counts its own claims in flight', () => {
    const registry = new RegistryView();
    registry.heard(beat('w1', { max: 2 }), 0);
    const done = registry.claiming('w1');
    expect(registry.workers(0, 0)[0].free).toBe(1);
    done(); done();
    expect(registry.workers(0, 0)[0].free).toBe(2);
  });

  it('forgets a claim in flight once it is answered, whatever heartbeats came meanwhile', () => {
    const registry = new RegistryView();
    registry.heard(beat('w1', { max: 2 }), 0);
    const done = registry.claiming('w1');
    registry.heard(beat('w1', { max: 2, calls: 1 }), 10);
    expect(registry.workers(10, 0)[0].free).toBe(0);
    done();
    expect(registry.workers(10, 0)[0].free).toBe(1);
    const stale = registry.claiming('w1');
    registry.heard(beat('w1', { max: 2, epoch: 'e2' }), 20);
    stale();
    expect(registry.workers(20, 0)[0].free).toBe(2);
  });

  it('offers capacity of ready workers only', () => {
    const registry = new RegistryView();
    registry.heard(beat('a', { calls: 3 }), 5000);
    registry.heard(beat('b', { calls: 2, status: 'draining' }), 5000);
    registry.heard(beat('c', { calls: 1 }), 1000);
    expect(summarise(registry.workers(5000, 0))).toEqual({ calls: 5, max: 16, available: 5, ready: 1, busy: 0, draining: 1, unreachable: 1 });
  });

  it('says why there is no capacity', () => {
    const registry = new RegistryView();
    expect(explainNoCapacity([])).toBe('No worker is connected to the fleet.');
    registry.heard(beat('a', { calls: 8 }), 5000);
    registry.heard(beat('b', { status: 'draining' }), 5000);
    registry.heard(beat('c'), 0);
    expect(explainNoCapacity(registry.workers(5000, 0))).toBe(
      'No worker has a free slot: of 3 workers, 1 busy, 1 draining, 1 unreachable (8 of 16 calls in progress).');
  });
});

const view = (id: string, free: number): WorkerView => ({ id, epoch: 'e', status: 'ready', calls: 0, max: free, version: '1', uptimeSeconds: 0, heartbeatAgeMs: 0, free });

describe('picking', () => {
  it('never picks a full or excluded worker, and picks one whenever there is one', () => {
    fc.assert(fc.property(fc.array(fc.nat(3), { maxLength: 8 }), fc.array(fc.nat(8)), fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), (frees, out, randoms) => {
      const workers = frees.map((free, i) => view(`w${i}`, free));
      const excluded = new Set(out.map((i) => `w${i}`));
      const picked = pickWorker(workers, excluded, () => randoms.next().value as number);
      const possible = workers.filter((w) => w.free > 0 && !excluded.has(w.id));
      if (possible.length === 0) expect(picked).toBeUndefined(); else expect(possible).toContain(picked);
    }));
  });
  it('prefers the freer of two', () => {
    expect(pickWorker([view('a', 1), view('b', 5)], new Set(), () => 0)?.id).toBe('b');
  });
});
