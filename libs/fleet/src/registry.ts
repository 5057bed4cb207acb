import { FORGET_AFTER_MS, UNREACHABLE_AFTER_MS, type Heartbeat } from './heartbeat.js';

export type ObservedStatus = 'ready' | 'draining' | 'unreachable';

export interface WorkerView {
  id: string;
  epoch: string;
  status: ObservedStatus;
  calls: number;
  max: number;
  version: string;
  uptimeSeconds: number;
  sipAddress?: string;
  heartbeatAgeMs: number;
  /** Slots free as far as this gateway knows: heartbeats less its own claims in flight. Not below 0. */
  free: number;
}

interface Entry { beat: Heartbeat; seenAtMs: number; inFlight: number }

/**
 * One gateway's view of the fleet, from heartbeats. It only ranks workers: the worker has the last word on its slots.
 * `nowMs` is monotonic and comes from the caller.
 */
export class RegistryView {
  private readonly entries = new Map<string, Entry>();

  heard(beat: Heartbeat, nowMs: number): void {
    const known = this.entries.get(beat.workerId);
    // The entry stays the same object while the worker does: claims in flight count down on it.
    if (known?.beat.epoch === beat.epoch) Object.assign(known, { beat, seenAtMs: nowMs });
    else this.entries.set(beat.workerId, { beat, seenAtMs: nowMs, inFlight: 0 });
  }

  /** A worker said goodbye, or nobody listens on its claim subject any more. */
  lost(workerId: string, nowMs: number): void {
    const entry = this.entries.get(workerId);
    if (entry) entry.seenAtMs = Math.min(entry.seenAtMs, nowMs - UNREACHABLE_AFTER_MS - 1);
  }

  /** Counts a claim in flight until the returned function is called (once or more). */
  claiming(workerId: string): () => void {
    const entry = this.entries.get(workerId);
    if (!entry) return () => undefined;
    entry.inFlight++;
    let open = true;
    return () => { if (open) { open = false; entry.inFlight = Math.max(0, entry.inFlight - 1); } };
  }

  /** An answer to a claim, either way, tells the worker's count sooner than the next heartbeat. */
  learned(workerId: string, calls: number, max: number): void {
    const entry = this.entries.get(workerId);
    if (entry) entry.beat = { ...entry.beat, calls, max };
  }

  workers(nowMs: number, wallMs: number): WorkerView[] {
    const views: WorkerView[] = [];
    for (const [id, entry] of this.entries) {
      const ageMs = Math.max(0, Math.round(nowMs - entry.seenAtMs));
      if (ageMs > FORGET_AFTER_MS) { this.entries.delete(id); continue; }
      views.push(viewOf(id, entry, ageMs, wallMs));
    }
    return views.sort((a, b) => a.id.localeCompare(b.id));
  }
}

function viewOf(id: string, { beat, inFlight }: Entry, ageMs: number, wallMs: number): WorkerView {
  const status: ObservedStatus = ageMs > UNREACHABLE_AFTER_MS ? 'unreachable' : beat.status;
  return {
    id, epoch: beat.epoch, status, calls: beat.calls, max: beat.max, version: beat.version, sipAddress: beat.sipAddress,
    uptimeSeconds: Math.max(0, Math.floor((wallMs - beat.startedAtMs) / 1000)), heartbeatAgeMs: ageMs,
    free: status === 'ready' ? Math.max(0, beat.max - beat.calls - inFlight) : 0,
  };
}

export interface FleetSummary { calls: number; max: number; available: number; ready: number; busy: number; draining: number; unreachable: number }

export function summarise(workers: readonly WorkerView[]): FleetSummary {
  const reachable = workers.filter((w) => w.status !== 'unreachable');
  const ready = workers.filter((w) => w.status === 'ready');
  const sum = (list: readonly WorkerView[], pick: (w: WorkerView) => number): number => list.reduce((n, w) => n + pick(w), 0);
  return {
    calls: sum(reachable, (w) => w.calls), max: sum(reachable, (w) => w.max), available: sum(ready, (w) => w.free),
    ready: ready.length, busy: ready.filter((w) => w.free === 0).length,
    draining: workers.filter((w) => w.status === 'draining').length, unreachable: workers.length - reachable.length,
  };
}

/** Why no worker took the call, in one sentence that an operator can act on. */
/** `overloaded`: how many workers with free slots refused because too many calls began at once. */
export function explainNoCapacity(workers: readonly WorkerView[], overloaded = 0): string {
  if (workers.length === 0) return 'No worker is connected to the fleet.';
  const s = summarise(workers);
  const idle = Math.max(0, s.ready - s.busy - overloaded);
  const parts = [
    s.busy > 0 ? `${s.busy} busy` : '', s.draining > 0 ? `${s.draining} draining` : '', s.unreachable > 0 ? `${s.unreachable} unreachable` : '',
    overloaded > 0 ? `${overloaded} overloaded by calls that begin at once` : '', idle > 0 ? `${idle} ready but none accepted in time` : '',
  ].filter(Boolean);
  return `No worker has a free slot: of ${workers.length} ${workers.length === 1 ? 'worker' : 'workers'}, ${parts.join(', ')} (${s.calls} of ${s.max} calls in progress).`;
}
