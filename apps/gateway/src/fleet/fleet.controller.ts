import { Acknowledgement, FleetHealth } from '@dialfleet/contracts';
import { auditEntry, type Database } from '@dialfleet/database';
import { Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Context, Requires, type RequestContext } from '../auth/access.js';
import { ProblemError } from '../http/problem.js';
import { DATABASE } from '../tokens.js';
import { FleetPort } from './fleet-port.js';
import { fleetHealth } from './fleet-view.js';

@ApiTags('fleet')
@Controller('api/v1/fleet')
export class FleetController {
  constructor(private readonly fleet: FleetPort, @Inject(DATABASE) private readonly database: Database) {}

  @Get()
  @Requires('fleet:read')
  @ApiOperation({ summary: 'Workers, their slots and their state' })
  @ApiOkResponse({ type: FleetHealth })
  list(): FleetHealth { return fleetHealth(this.fleet.workers()); }

  @Post('workers/:id/drain')
  @HttpCode(200)
  @Requires('admin')
  @ApiOperation({ summary: 'Let a worker finish its calls and take no more' })
  @ApiOkResponse({ type: Acknowledgement })
  async drain(@Param('id') id: string, @Context() { principal, requestId }: RequestContext): Promise<Acknowledgement> {
    if (!this.fleet.workers().some((worker) => worker.id === id)) throw new ProblemError('worker_not_found', 'No such worker is known.');
    const reply = await this.fleet.command(id, { command: 'drain' });
    if (!reply.ok) throw new ProblemError('unavailable', 'The worker did not answer.', { retryAfterSeconds: 2 });
    await auditEntry(this.database, { workspaceId: principal.workspaceId, actor: principal.actor, action: 'worker.drained', targetType: 'worker', targetId: id, requestId });
    return { status: 'ok' };
  }
}
