import { DialoutRepository, type TrunkRow } from '@dialfleet/database';
import type { Clock } from '@dialfleet/kit';
import { Inject, Injectable } from '@nestjs/common';
import { ProblemError } from '../http/problem.js';
import { CLOCK } from '../tokens.js';

const LINES_RETRY_SECONDS = 5;

/**
 * Calls in progress and new calls a second over one trunk. Dialouts over a limited trunk pass one after the other, so
 * that a burst cannot slip through together; with several gateways that holds for each of them.
 */
@Injectable()
export class TrunkLimits {
  private readonly lastInLine = new Map<string, Promise<unknown>>();

  constructor(private readonly dialouts: DialoutRepository, @Inject(CLOCK) private readonly clock: Clock) {}

  /** `accept` stores the call, when the trunk may carry one more. @throws ProblemError 503 */
  async within<T>(workspaceId: string, trunk: TrunkRow, accept: () => Promise<T>): Promise<T> {
    if (trunk.max_calls === null && trunk.max_cps === null) return accept();
    const before = this.lastInLine.get(trunk.id);
    const mine = (async (): Promise<T> => {
      await before?.catch(() => undefined);
      await this.requireLine(workspaceId, trunk);
      return accept();
    })();
    this.lastInLine.set(trunk.id, mine);
    try { return await mine; } finally { if (this.lastInLine.get(trunk.id) === mine) this.lastInLine.delete(trunk.id); }
  }

  private async requireLine(workspaceId: string, { id, max_calls, max_cps }: TrunkRow): Promise<void> {
    if (max_calls !== null) {
      const live = await this.dialouts.liveCalls(workspaceId, id);
      if (live >= max_calls) throw full(`The trunk carries ${live} of at most ${max_calls} calls.`, LINES_RETRY_SECONDS);
    }
    if (max_cps === null) return;
    const atOnce = Math.max(1, Math.floor(max_cps));
    const windowMs = (atOnce / max_cps) * 1000;
    const recent = await this.dialouts.callsSince(workspaceId, id, this.clock.nowMs() - windowMs);
    if (recent >= atOnce) throw full(`The trunk takes at most ${max_cps} new calls a second.`, Math.ceil(windowMs / 1000));
  }
}

const full = (detail: string, retryAfterSeconds: number): ProblemError => new ProblemError('no_capacity', detail, { retryAfterSeconds });
