import { DialoutRequest, DialoutResponse, Problem } from '@dialfleet/contracts';
import { Controller, Headers, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiConflictResponse, ApiHeader, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags, ApiUnprocessableEntityResponse } from '@nestjs/swagger';
import { Caller, Requires } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import { ProblemError } from '../http/problem.js';
import { ValidBody } from '../http/validated.js';
import { GatewayMetrics } from '../metrics/gateway-metrics.js';
import { DialoutService } from './dialout.service.js';
import { idempotencyClaim } from './idempotency.js';

@ApiTags('calls')
@Controller('api/v1')
export class DialoutController {
  constructor(private readonly dialouts: DialoutService, private readonly metrics: GatewayMetrics) {}

  @Post(['dialout', 'sip/dialout'])
  @HttpCode(200)
  @Requires('calls:write')
  @ApiOperation({ summary: 'Call a number now, or say why not' })
  @ApiHeader({ name: 'idempotency-key', required: false, description: 'The same key and body within 24 h get the first answer and dial once' })
  @ApiBody({ type: DialoutRequest })
  @ApiOkResponse({ type: DialoutResponse })
  @ApiNotFoundResponse({ type: Problem, description: 'bot_not_found' })
  @ApiConflictResponse({ type: Problem, description: 'idempotency_in_flight' })
  @ApiUnprocessableEntityResponse({ type: Problem, description: 'invalid_request, no_outbound_trunk, destination_blocked' })
  @ApiServiceUnavailableResponse({ type: Problem, description: 'no_capacity, outside_active_hours, unavailable' })
  async dialOut(@Caller() caller: Principal, @ValidBody(DialoutRequest) request: DialoutRequest, @Headers('idempotency-key') key?: string): Promise<DialoutResponse> {
    try {
      const response = await this.dialouts.dialOut(caller, request, idempotencyClaim(key, request));
      this.metrics.dialout('ok');
      return response;
    } catch (error) {
      this.metrics.dialout(error instanceof ProblemError ? error.code : 'fault');
      throw error;
    }
  }
}
