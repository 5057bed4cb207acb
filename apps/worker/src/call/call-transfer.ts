import type { CallLeg, TimelineEventType, TransferOutcome, TransferTarget } from '@dialfleet/call';
import { errorMessage, maskNumber, type Clock, type Logger } from '@dialfleet/kit';
import { AudioRelay, Bridge } from './bridge.js';
import { Ringback } from './ringback.js';

/** How long the target's phone may ring before the customer gets the bot back. */
const RING_LIMIT_MS = 45_000;
/** The target's own word, told by NOTIFY: calling it a second time would hear the same. */
const TARGET_IS_BUSY = new Set([486, 600]);

export interface TransferRequest {
  target: TransferTarget;
  /** `far_end`: it sent REFER, so that there is nothing to send it back. */
  requestedBy: 'api' | 'far_end';
  /** Statuses of the way to the target, the last one final: for who asked. */
  report?: (sipStatus: number) => void;
}

export interface TransferHost {
  leg: CallLeg;
  /** A second leg over the call's trunk. */
  createLeg(target: TransferTarget): Promise<CallLeg>;
  onEvent(type: TimelineEventType, data: Record<string, unknown>): void;
  /** The far end has taken the customer over. */
  referred(): void;
  bridged(): void;
  /** One of the two hung up. */
  over(): void;
  /** The customer is still here, and nobody has taken over. */
  failed(): void;
  /** The customer hung up before anybody took over. */
  customerLeft(): void;
  clock: Clock;
  logger: Logger;
}

/**
 * Hands a customer over: by REFER where the far end takes it, else by a second leg and a bridge.
 *
 * ```
 *  referring ─▶ calling ─▶ bridged ─▶ over
 *      └───────────┴──────────────────▲
 * ```
 * Exactly one of `referred`, `failed`, `customerLeft` is told, or `bridged` and then `over`; none after `abandon`.
 */
export class CallTransfer {
  private phase: 'referring' | 'calling' | 'bridged' | 'over' = 'referring';
  private customerIsGone = false;
  private second: CallLeg | undefined;
  private bridge: Bridge | undefined;
  private waiting: { stop(): void } | undefined;
  private cancelLimit: () => void = () => undefined;

  constructor(private readonly request: TransferRequest, private readonly host: TransferHost) {}

  start(): void {
    const { target, requestedBy } = this.request;
    this.host.onEvent('transfer.started', { target: target.number, requested_by: requestedBy });
    this.host.logger.info('transfer', { target: maskNumber(target.number), requested_by: requestedBy });
    void this.run().catch((error: unknown) => { this.fail(null, errorMessage(error)); });
  }

  /** The customer's leg hung up. */
  hungUp(): void {
    this.customerIsGone = true;
    if (this.phase === 'referring') return; // its BYE may be how it takes the customer over: the outcome of REFER says it
    if (this.phase === 'bridged') this.endBridge('customer');
    else if (this.phase === 'calling') this.giveUp();
  }

  /** The call ends for another reason. */
  abandon(): void {
    if (this.phase === 'bridged') this.host.onEvent('transfer.finished', { method: 'bridge', target: this.request.target.number, ended_by: 'us' });
    this.request.report?.(487);
    this.close();
  }

  private async run(): Promise<void> {
    const { leg } = this.host;
    if (this.request.requestedBy === 'api' && leg.transfer) {
      const outcome = await leg.transfer(this.request.target.dialUser, (sipStatus) => { this.progressed('refer', sipStatus); });
      if (this.phase !== 'referring' || this.referredAway(outcome)) return;
    }
    await this.callTarget();
  }

  /** True when REFER settled it. */
  private referredAway(outcome: TransferOutcome): boolean {
    if (outcome.ok) {
      this.host.onEvent('transfer.finished', { method: 'refer', target: this.request.target.number });
      this.close();
      this.host.referred();
      return true;
    }
    if (this.customerIsGone) { this.giveUp(); return true; }
    this.host.onEvent('transfer.progress', { method: 'refer', sip_status: outcome.sipStatus, detail: outcome.reason });
    if (outcome.sipStatus === null || !TARGET_IS_BUSY.has(outcome.sipStatus)) return false;
    this.fail(outcome.sipStatus, outcome.reason);
    return true;
  }

  private async callTarget(): Promise<void> {
    this.phase = 'calling';
    this.waiting = new Ringback(this.host.leg);
    const second = await this.host.createLeg(this.request.target);
    this.second = second;
    this.listen(second);
    if (this.gone) { this.closeSecond(); return; }
    this.cancelLimit = this.host.clock.after(RING_LIMIT_MS, () => { this.fail(487, 'the target did not answer'); });
    await second.start();
  }

  private get gone(): boolean { return this.phase === 'over'; }

  private listen(second: CallLeg): void {
    second.events.on('provisional', ({ sipStatus, earlyMedia }) => {
      if (this.phase !== 'calling') return;
      this.progressed('bridge', sipStatus);
      if (earlyMedia) this.hearEarlyMedia(second);
    });
    second.events.on('answered', () => { if (this.phase === 'calling') this.connect(second); });
    second.events.on('failed', ({ sipStatus, reason }) => { this.fail(sipStatus, reason); });
    second.events.on('hungUp', () => { this.targetLeft('the target hung up'); });
    second.events.on('fault', ({ detail }) => { this.targetLeft(detail); });
  }

  /** The target's own ringing or announcement in place of ours. */
  private hearEarlyMedia(second: CallLeg): void {
    if (this.waiting instanceof AudioRelay) return;
    this.waiting?.stop();
    this.waiting = new AudioRelay(second, this.host.leg, 'early');
  }

  private connect(second: CallLeg): void {
    this.cancelLimit();
    this.waiting?.stop();
    this.waiting = undefined;
    this.bridge = new Bridge(this.host.leg, second, this.host.logger);
    this.phase = 'bridged';
    this.request.report?.(200);
    this.host.onEvent('transfer.bridged', { target: this.request.target.number });
    this.host.bridged();
  }

  private targetLeft(detail: string): void {
    if (this.phase === 'bridged') this.endBridge('target'); else this.fail(null, detail);
  }

  private endBridge(endedBy: 'customer' | 'target'): void {
    this.host.onEvent('transfer.finished', { method: 'bridge', target: this.request.target.number, ended_by: endedBy });
    this.close();
    this.host.over();
  }

  private giveUp(): void {
    this.host.onEvent('transfer.failed', { target: this.request.target.number, sip_status: null, reason: 'the customer hung up' });
    this.request.report?.(487);
    this.close();
    this.host.customerLeft();
  }

  private fail(sipStatus: number | null, reason: string): void {
    if (this.phase === 'over' || this.phase === 'bridged') return;
    this.host.onEvent('transfer.failed', { target: this.request.target.number, sip_status: sipStatus, reason });
    this.request.report?.(sipStatus ?? 503);
    this.close();
    this.host.failed();
  }

  private progressed(method: 'refer' | 'bridge', sipStatus: number): void {
    if (this.phase === 'over' || sipStatus === 100) return;
    this.host.onEvent('transfer.progress', { method, sip_status: sipStatus });
    if (sipStatus < 200) this.request.report?.(sipStatus);
  }

  private close(): void {
    this.phase = 'over';
    this.cancelLimit();
    this.waiting?.stop();
    this.waiting = undefined;
    this.bridge?.stop();
    this.closeSecond();
  }

  private closeSecond(): void {
    const { second } = this;
    this.second = undefined;
    second?.hangUp();
    second?.close().catch((error: unknown) => { this.host.logger.warn('the second leg did not close cleanly', { error }); });
  }
}
