import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export class WorkerHealth {
  @ApiProperty({ example: 'w-7f3a' })
  id!: string;

  @ApiProperty({ enum: ['ready', 'draining', 'unreachable'] })
  status!: 'ready' | 'draining' | 'unreachable';

  @ApiProperty()
  calls!: number;

  @ApiProperty()
  max!: number;

  @ApiProperty({ example: '1.0.0' })
  version!: string;

  @ApiProperty()
  uptime_seconds!: number;

  @ApiProperty()
  heartbeat_age_ms!: number;

  @ApiPropertyOptional({ example: '203.0.113.20:5060', description: 'Where carriers send INVITEs to this worker' })
  sip_address?: string;
}

/** `GET /health/fleet`. */
export class FleetHealth {
  @ApiProperty({ enum: ['ok'] })
  status!: 'ok';

  @ApiProperty({ description: 'Calls in progress' })
  fleet_calls!: number;

  @ApiProperty({ description: 'Slots of all reachable workers' })
  fleet_max!: number;

  @ApiProperty({ description: 'Free slots of ready workers' })
  fleet_available!: number;

  @ApiProperty({ type: [WorkerHealth] })
  workers!: WorkerHealth[];
}
