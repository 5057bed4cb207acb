import type { CallPlan, CallTimelineEvent, TimelineEventType } from '@dialfleet/call';
import { backoffMs, sleep, within, type Clock, type Logger } from '@dialfleet/kit';

export interface WorkerIdentity { workerId: string; epoch: string }

/** Gives up on an event after this many tries (about two minutes): the outcome carries what matters. */
const MAX_ATTEMPTS = 30;

/** The timeline of one call: numbered as it happens, published one after the other in that order. */
export class CallTimeline {
  private seq = 0;
  private tail: Promise<void> = Promise.resolve();
  private ended = false;

  constructor(
    private readonly plan: Pick<CallPlan, 'sessionId' | 'workspaceId'>, private readonly worker: WorkerIdentity,
    private readonly publish: (event: CallTimelineEvent) => Promise<void>, private readonly clock: Clock, private readonly logger: Logger,
  ) {}

  /** `data` goes out as it is: snake_case keys. Nothing comes after `call.ended`: a far end may still be talking to us then. */
  add(type: TimelineEventType, data: Record<string, unknown> = {}): void {
    if (this.ended) return;
    this.ended = type === 'call.ended';
    const seq = ++this.seq;
    const event: CallTimelineEvent = {
      eventId: `${this.plan.sessionId}:${seq}`, sessionId: this.plan.sessionId, workspaceId: this.plan.workspaceId,
      workerId: this.worker.workerId, workerEpoch: this.worker.epoch, seq, at: new Date(this.clock.nowMs()).toISOString(), type, data,
    };
    this.tail = this.tail.then(() => this.send(event));
  }

  /** Waits until everything added so far is out, at most `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> { await within(this.clock, timeoutMs, this.tail); }

  private async send(event: CallTimelineEvent): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      try { await this.publish(event); return; } catch (error) {
        if (attempt === 0) this.logger.warn('timeline event not stored yet', { session_id: event.sessionId, type: event.type, error });
        await sleep(this.clock, 200 + backoffMs(attempt, 200, 5000));
      }
    }
    this.logger.error('timeline event given up', { session_id: event.sessionId, type: event.type });
  }
}
