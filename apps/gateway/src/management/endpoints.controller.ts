import { EndpointCreated, EndpointPatch, EndpointRequest, EndpointView, PageQuery, type PageView } from '@dialfleet/contracts';
import { Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, Context, Requires, type RequestContext } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import { ApiPage } from '../http/api-page.js';
import { ObjectBody, ValidBody, ValidQuery } from '../http/validated.js';
import { EndpointsService } from './endpoints.service.js';
import { pageRequest } from './page-request.js';

@ApiTags('endpoints')
@Controller('api/v1')
export class EndpointsController {
  constructor(private readonly endpoints: EndpointsService) {}

  @Post('bots/:id/endpoints')
  @Requires('admin')
  @ApiOperation({ summary: 'Send results of this bot to a URL' })
  @ApiBody({ type: EndpointRequest })
  @ApiCreatedResponse({ type: EndpointCreated })
  create(@Context() context: RequestContext, @Param('id') botId: string, @ValidBody(EndpointRequest) request: EndpointRequest): Promise<EndpointCreated> {
    return this.endpoints.create(context, botId, request);
  }

  @Get('bots/:id/endpoints')
  @Requires('admin')
  @ApiOperation({ summary: 'Where the results of this bot go' })
  @ApiPage(EndpointView)
  list(@Caller() caller: Principal, @Param('id') botId: string, @ValidQuery(PageQuery) query: PageQuery): Promise<PageView<EndpointView>> {
    return this.endpoints.list(caller.workspaceId, botId, pageRequest(query));
  }

  @Get('endpoints/:id')
  @Requires('admin')
  @ApiOperation({ summary: 'One endpoint' })
  @ApiOkResponse({ type: EndpointView })
  get(@Caller() caller: Principal, @Param('id') id: string): Promise<EndpointView> { return this.endpoints.get(caller.workspaceId, id); }

  @Patch('endpoints/:id')
  @Requires('admin')
  @ApiOperation({ summary: 'Change settings; what is on its way keeps its body' })
  @ApiBody({ type: EndpointPatch })
  @ApiOkResponse({ type: EndpointView })
  patch(@Context() context: RequestContext, @Param('id') id: string, @ObjectBody() patch: object): Promise<EndpointView> { return this.endpoints.patch(context, id, patch); }

  @Delete('endpoints/:id')
  @HttpCode(204)
  @Requires('admin')
  @ApiOperation({ summary: 'Put an endpoint away' })
  @ApiNoContentResponse()
  remove(@Context() context: RequestContext, @Param('id') id: string): Promise<void> { return this.endpoints.remove(context, id); }
}
