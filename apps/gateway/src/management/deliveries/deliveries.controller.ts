import { DeliveryDetail, DeliveryListQuery, DeliveryView, EndpointReplayed, EndpointReplayRequest, type PageView } from '@dialfleet/contracts';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, Context, Requires, type RequestContext } from '../../auth/access.js';
import type { Principal } from '../../auth/principal.js';
import { ApiPage } from '../../http/api-page.js';
import { ValidBody, ValidQuery } from '../../http/validated.js';
import { DeliveriesService } from './deliveries.service.js';

@ApiTags('deliveries')
@Controller('api/v1')
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  @Get('deliveries')
  @Requires('admin')
  @ApiOperation({ summary: 'Messages to endpoints, newest first' })
  @ApiPage(DeliveryView)
  list(@Caller() caller: Principal, @ValidQuery(DeliveryListQuery) query: DeliveryListQuery): Promise<PageView<DeliveryView>> {
    return this.deliveries.list(caller.workspaceId, query);
  }

  @Get('deliveries/:id')
  @Requires('admin')
  @ApiOperation({ summary: 'One message with its attempts' })
  @ApiOkResponse({ type: DeliveryDetail })
  get(@Caller() caller: Principal, @Param('id') id: string): Promise<DeliveryDetail> { return this.deliveries.get(caller.workspaceId, id); }

  @Post('deliveries/:id/replay')
  @HttpCode(202)
  @Requires('admin')
  @ApiOperation({ summary: 'Send it again: same id, same body' })
  @ApiAcceptedResponse({ type: DeliveryView })
  replay(@Context() context: RequestContext, @Param('id') id: string): Promise<DeliveryView> { return this.deliveries.replay(context, id); }

  @Post('endpoints/:id/replay')
  @HttpCode(202)
  @Requires('admin')
  @ApiOperation({ summary: 'Send again what was made in a span of time' })
  @ApiBody({ type: EndpointReplayRequest })
  @ApiAcceptedResponse({ type: EndpointReplayed })
  replayRange(@Context() context: RequestContext, @Param('id') id: string, @ValidBody(EndpointReplayRequest) request: EndpointReplayRequest): Promise<EndpointReplayed> {
    return this.deliveries.replayRange(context, id, request);
  }

  @Post('endpoints/:id/test')
  @HttpCode(202)
  @Requires('admin')
  @ApiOperation({ summary: 'Send a sample call once; the delivery tells how it went' })
  @ApiAcceptedResponse({ type: DeliveryView })
  test(@Context() context: RequestContext, @Param('id') id: string): Promise<DeliveryView> { return this.deliveries.test(context, id); }
}
