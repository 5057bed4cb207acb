import type { Heartbeat } from '@dialfleet/fleet';

const REMEMBER_MS = 10 * 60_000;

/**
 * Who of the workers was heard, and when: by id and epoch, since a reborn worker knows nothing of its former calls.
 * Silence counts only from when this process could hear: after its start and after each loss of the broker.
 */
export class WorkerPulse {
  private readonly heardAtMs = new Map<string, number>();

  /** `nowMs` is monotonic, here and below. */
  constructor(private listeningSinceMs: number) {}

  heard(beat: Pick<Heartbeat, 'workerId' | 'epoch'>, nowMs: number): void {
    this.heardAtMs.set(key(beat.workerId, beat.epoch), nowMs);
    for (const [worker, atMs] of this.heardAtMs) { if (nowMs - atMs > REMEMBER_MS) this.heardAtMs.delete(worker); }
  }

  /** The broker was away until now. */
  deafUntil(nowMs: number): void { this.listeningSinceMs = nowMs; }

  silentForMs(workerId: string, epoch: string | null, nowMs: number): number {
    const heard = epoch === null ? undefined : this.heardAtMs.get(key(workerId, epoch));
    return nowMs - Math.max(heard ?? this.listeningSinceMs, this.listeningSinceMs);
  }

  listeningForMs(nowMs: number): number { return nowMs - this.listeningSinceMs; }
}

const key = (workerId: string, epoch: string): string => `${workerId}\0${epoch}`;
