import type { WorkerView } from './registry.js';

/**
 * Power of two choices: of the ready workers with free slots, two at random, the one with more free slots. Spreads load
 * nearly as well as "most free" without every gateway rushing to the same worker.
 */
export function pickWorker(workers: readonly WorkerView[], excluded: ReadonlySet<string>, random: () => number = Math.random): WorkerView | undefined {
  const candidates = workers.filter((w) => w.free > 0 && !excluded.has(w.id));
  if (candidates.length < 2) return candidates[0];
  const first = Math.floor(random() * candidates.length);
  const second = (first + 1 + Math.floor(random() * (candidates.length - 1))) % candidates.length;
  return candidates[second].free > candidates[first].free ? candidates[second] : candidates[first];
}
