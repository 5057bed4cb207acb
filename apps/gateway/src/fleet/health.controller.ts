import { FleetHealth } from '@dialfleet/contracts';
import { isHealthy, type Database } from '@dialfleet/database';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Requires } from '../auth/access.js';
import { DATABASE } from '../tokens.js';
import { FleetPort } from './fleet-port.js';
import { fleetHealth } from './fleet-view.js';

@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(private readonly fleet: FleetPort, @Inject(DATABASE) private readonly database: Database) {}

  @Get('live')
  @ApiExcludeEndpoint()
  live(): { status: 'ok' } { return { status: 'ok' }; }

  /** Whether this gateway can do its work: database and broker answer. */
  @Get('ready')
  @ApiExcludeEndpoint()
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const ready = this.fleet.isConnected && await isHealthy(this.database);
    await reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable' });
  }

  @Get('fleet')
  @Requires('fleet:read')
  @ApiOperation({ summary: 'Workers, their slots and their state' })
  @ApiOkResponse({ type: FleetHealth })
  fleetHealth(): FleetHealth { return fleetHealth(this.fleet.workers()); }
}
