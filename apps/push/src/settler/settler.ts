import type { OrphanCandidate, PushOrphans } from '@dialfleet/database';
import { errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import type { ResultKeeper } from '../results/result-keeper.js';
import { lostOutcome, settlementReason, WORKER_LOST_AFTER_MS, type SurvivingRecording } from './settlement.js';
import type { WorkerPulse } from './worker-pulse.js';

export interface SettlerParts {
  orphans: Pick<PushOrphans, 'quietCalls' | 'events'>;
  results: Pick<ResultKeeper, 'keep'>;
  pulse: WorkerPulse;
  /** False while the broker is away: silence means nothing then. */
  isListening(): boolean;
  /** The stream holds something of the call that has not been handled: its story is not told yet. */
  hasUnhandled(sessionId: string): Promise<boolean>;
  /** What became of the recording of a call that lost its worker. */
  findRecording(call: OrphanCandidate): Promise<SurvivingRecording>;
  clock: Clock;
  logger: Logger;
}

const INTERVAL_MS = 2000;

/** Closes calls whose worker is gone, so that every accepted call gets a result. Several processes may run one. */
export class Settler {
  private cancel: () => void = () => undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly parts: SettlerParts) {}

  start(): void { this.schedule(); }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
    await this.running;
  }

  private schedule(): void {
    if (this.stopped) return;
    this.cancel = this.parts.clock.after(INTERVAL_MS, () => { this.running = this.tick().finally(() => { this.schedule(); }); });
  }

  private async tick(): Promise<void> {
    try { await this.settleDue(); } catch (error) { this.parts.logger.error('settling failed', { error: errorMessage(error) }); }
  }

  /** Closes what is due now; how many. */
  async settleDue(): Promise<number> {
    const { orphans, pulse, clock } = this.parts;
    if (!this.parts.isListening()) return 0;
    const due = (await orphans.quietCalls(clock.nowMs() - WORKER_LOST_AFTER_MS)).flatMap((call) => {
      const reason = settlementReason(call, pulse, clock.nowMs(), clock.monotonicMs());
      return reason === null ? [] : [{ call, reason }];
    });
    let closed = 0;
    for (const { call, reason } of due) {
      if (await this.parts.hasUnhandled(call.sessionId)) continue;
      this.parts.logger.warn('closing a call that lost its worker', { session_id: call.sessionId, worker_id: call.workerId, reason });
      const recording = call.answeredAtMs === null ? null : await this.parts.findRecording(call);
      const kept = await this.parts.results.keep(lostOutcome(call, reason, await orphans.events(call.sessionId), recording, clock.nowMs()), true);
      if (kept === 'store') closed++;
    }
    return closed;
  }
}
