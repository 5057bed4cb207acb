import type { ClaimedDelivery, PushDeliveries } from '@dialfleet/database';
import { ATTEMPT_TIMEOUT_MS } from '@dialfleet/delivery';
import { backoffMs, errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import type { DeliverySender } from './delivery-sender.js';
import { EndpointPace } from './endpoint-pace.js';

export interface DeliveryLoopParts {
  deliveries: Pick<PushDeliveries, 'claim' | 'reconcile'>;
  sender: Pick<DeliverySender, 'attempt'>;
  /** Names this process in leases. */
  owner: string;
  clock: Clock;
  logger: Logger;
  /** Attempts at the same time, and of one endpoint. */
  concurrency?: number;
  perEndpoint?: number;
}

const POLL_MS = 1000;
const RECONCILE_MS = 5000;
/** Longer than any attempt and the recording of it. */
const LEASE_MS = ATTEMPT_TIMEOUT_MS + 15_000;

/**
 * Sends what is due: claims a handful, attempts them side by side, and looks again as soon as one is done, something new
 * is stored, or a second has passed. Timers live in the table, so nothing is lost with the process.
 */
export class DeliveryLoop {
  private readonly inFlight = new Set<Promise<void>>();
  private readonly pace = new EndpointPace();
  private readonly concurrency: number;
  private readonly perEndpoint: number;
  private wakeUp: () => void = () => undefined;
  private woken = false;
  private stopping = false;
  private running: Promise<void> | undefined;
  private reconcileAtMs = 0;

  constructor(private readonly parts: DeliveryLoopParts) {
    this.concurrency = parts.concurrency ?? 64;
    this.perEndpoint = parts.perEndpoint ?? 8;
  }

  start(): void { this.running ??= this.run(); }

  /** Something may be due. */
  wake(): void { this.woken = true; this.wakeUp(); }

  /** Claims nothing more and waits for the attempts in flight. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.running;
    await Promise.all(this.inFlight);
  }

  private async run(): Promise<void> {
    for (let failures = 0; !this.stopping;) {
      try {
        await this.reconcileNowAndThen();
        const more = await this.claimAndSend();
        failures = 0;
        if (!more) await this.pause(POLL_MS);
      } catch (error) {
        this.parts.logger.error('deliveries cannot be claimed', { error: errorMessage(error) });
        await this.pause(backoffMs(failures++, 500, 10_000));
      }
    }
  }

  /** True when there may be more to claim at once. */
  private async claimAndSend(): Promise<boolean> {
    const { deliveries, owner, clock } = this.parts;
    const limit = this.concurrency - this.inFlight.size;
    if (limit <= 0) return false;
    const nowMs = clock.nowMs();
    const claimed = await deliveries.claim({ limit, perEndpoint: this.perEndpoint, except: this.pace.resting(clock.monotonicMs()), leaseMs: LEASE_MS, owner, nowMs });
    for (const delivery of claimed) this.send(delivery, nowMs + LEASE_MS);
    return claimed.length === limit;
  }

  private send(delivery: ClaimedDelivery, leaseUntilMs: number): void {
    this.pace.sent(delivery.endpoint_id, delivery.per_second, this.parts.clock.monotonicMs());
    const attempt = this.parts.sender.attempt(delivery, leaseUntilMs).finally(() => { this.inFlight.delete(attempt); this.wake(); });
    this.inFlight.add(attempt);
  }

  private async reconcileNowAndThen(): Promise<void> {
    const now = this.parts.clock.monotonicMs();
    if (now < this.reconcileAtMs) return;
    this.reconcileAtMs = now + RECONCILE_MS;
    await this.parts.deliveries.reconcile(this.parts.clock.nowMs());
  }

  private pause(ms: number): Promise<void> {
    if (this.woken || this.stopping) { this.woken = false; return Promise.resolve(); }
    return new Promise((resolve) => {
      const cancel = this.parts.clock.after(ms, () => { this.wakeUp(); });
      this.wakeUp = () => { this.wakeUp = () => undefined; this.woken = false; cancel(); resolve(); };
    });
  }
}
