import { errorMessage, jitterMs, type Clock, type Logger } from '@dialfleet/kit';

/** Leases as RegistrationStore of @dialfleet/messaging keeps them. Each call rejects while the broker is away. */
export interface LeaseStore {
  acquire(trunkId: string, owner: string): Promise<number | undefined>;
  renew(trunkId: string, owner: string, revision: number): Promise<number | undefined>;
  release(trunkId: string, revision: number): Promise<void>;
}

export interface LeaseListener {
  held(): void;
  /** `taken`: another worker has it. `lapsed`: the broker is away, nobody knows. */
  lost(why: 'taken' | 'lapsed'): void;
}

export interface LeaseTimes {
  /** Life of a lease that is not renewed. */
  ttlMs: number;
  renewMs: number;
  /** Between looks whether a lease is free. */
  retryMs: number;
  /** Given up this long before the broker does: clocks differ a little, and a message takes its time. */
  marginMs: number;
}

/** A worker that dies is followed within `ttlMs + retryMs`. */
export const leaseTimes = (ttlMs: number): LeaseTimes => ({ ttlMs, renewMs: ttlMs * 0.3, retryMs: ttlMs * 0.25, marginMs: ttlMs * 0.1 });

/**
 * ```
 * waiting ─▶ held ─▶ waiting      lost: another worker has it, or it could not be renewed in time
 *    └────────┴─────▶ ended
 * ```
 * This worker's part in who registers one trunk.
 */
export class RegistrationLease {
  private revision: number | undefined;
  private validUntilMs = 0;
  /** When another worker was last seen to hold it. */
  private seenMs = -Infinity;
  private ended = false;
  private busy: Promise<void> = Promise.resolve();
  private cancel: () => void = () => undefined;

  constructor(
    private readonly trunkId: string, private readonly owner: string, private readonly store: LeaseStore, private readonly times: LeaseTimes,
    private readonly clock: Clock, private readonly logger: Logger, private readonly listener: LeaseListener, private readonly random: () => number = Math.random,
  ) {}

  get isHeld(): boolean { return this.revision !== undefined; }

  start(delayMs = 0): void { this.next(delayMs); }

  /** What is heard of the lease: who renewed it, or null when it was given back. */
  heard(owner: string | null): void {
    if (this.ended || owner === this.owner) return;
    if (owner !== null) { this.seenMs = this.clock.monotonicMs(); return; }
    this.seenMs = -Infinity;
    if (!this.isHeld) this.next(this.random() * this.times.marginMs);
  }

  /** Gives it back. Never rejects. */
  async end(): Promise<void> {
    this.ended = true;
    this.cancel();
    await this.busy;
    const { revision } = this;
    this.revision = undefined;
    if (revision !== undefined) await this.store.release(this.trunkId, revision).catch(() => undefined);
  }

  private next(delayMs: number): void {
    this.cancel();
    if (this.ended) return;
    this.cancel = this.clock.after(delayMs, () => { this.busy = this.isHeld ? this.renew() : this.contend(); });
  }

  private async contend(): Promise<void> {
    const now = this.clock.monotonicMs();
    if (now - this.seenMs >= this.times.ttlMs) {
      const revision = await this.store.acquire(this.trunkId, this.owner).catch((error: unknown) => { this.logger.debug('no lease', { trunk_id: this.trunkId, error: errorMessage(error) }); return undefined; });
      if (revision !== undefined) { this.hold(revision, now); return; }
    }
    this.next(jitterMs(this.times.retryMs, 0.2, this.random));
  }

  private hold(revision: number, askedMs: number): void {
    this.revision = revision;
    this.validUntilMs = askedMs + this.times.ttlMs - this.times.marginMs;
    this.next(this.times.renewMs);
    if (!this.ended) this.listener.held();
  }

  private async renew(): Promise<void> {
    const now = this.clock.monotonicMs();
    try {
      const renewed = await this.store.renew(this.trunkId, this.owner, this.revision ?? 0);
      // A broker that lost its store knows of no lease: it is still ours if nobody was faster.
      const revision = renewed ?? await this.store.acquire(this.trunkId, this.owner);
      if (revision === undefined) { this.lose('taken'); return; }
      this.revision = revision;
      this.validUntilMs = now + this.times.ttlMs - this.times.marginMs;
      this.next(this.times.renewMs);
    } catch {
      if (this.clock.monotonicMs() >= this.validUntilMs) this.lose('lapsed');
      else this.next(this.times.marginMs);
    }
  }

  private lose(why: 'taken' | 'lapsed'): void {
    this.revision = undefined;
    if (why === 'taken') this.seenMs = this.clock.monotonicMs();
    this.next(jitterMs(this.times.retryMs, 0.2, this.random));
    if (!this.ended) this.listener.lost(why);
  }
}
