import type { TrunkCheckView } from '@dialfleet/contracts';
import { SecretBox, type Database, type TrunkRow } from '@dialfleet/database';
import { Inject, Injectable } from '@nestjs/common';
import { FleetPort } from '../fleet/fleet-port.js';
import { ProblemError } from '../http/problem.js';
import { DATABASE } from '../tokens.js';
import { trunkEntry } from '../trunks/trunk-plan.js';
import { TrunksService } from './trunks.service.js';

const RETRY_SECONDS = 5;

/** Trunks tried by a worker, from where calls would go. */
@Injectable()
export class TrunkChecks {
  constructor(private readonly trunks: TrunksService, @Inject(DATABASE) private readonly database: Database, private readonly box: SecretBox, private readonly fleet: FleetPort) {}

  /** @throws ProblemError 404, 503 */
  async check(workspaceId: string, id: string): Promise<TrunkCheckView> {
    await this.trunks.require(workspaceId, id);
    const rows = await this.database.$queryRaw<{ trunk: TrunkRow }[]>`SELECT to_jsonb(t) AS trunk FROM trunks t WHERE id = ${id} AND workspace_id = ${workspaceId}`;
    const report = await this.fleet.checkTrunk(await this.worker(id), trunkEntry(rows[0].trunk, this.box));
    if (!report) throw unavailable('The worker that should try the trunk did not answer in time.');
    return {
      ok: report.ok, worker_id: report.workerId,
      steps: report.steps.map(({ name, outcome, detail, durationMs }) => ({ name, outcome, detail, ...(durationMs === undefined ? {} : { duration_ms: durationMs }) })),
    };
  }

  /** The one that holds the registration, else the one with the most room. */
  private async worker(trunkId: string): Promise<string> {
    if (!this.fleet.isConnected) throw unavailable('The message broker cannot be reached at the moment.');
    const ready = this.fleet.workers().filter(({ status }) => status === 'ready').sort((a, b) => b.free - a.free);
    if (ready.length === 0) throw unavailable('No worker is ready to try the trunk.');
    const owner = (await this.fleet.registration(trunkId))?.workerId;
    return (ready.find((worker) => worker.id === owner) ?? ready[0]).id;
  }
}

const unavailable = (detail: string): ProblemError => new ProblemError('unavailable', detail, { retryAfterSeconds: RETRY_SECONDS });
