import { PageQuery, TrunkCheckView, TrunkPatch, TrunkRequest, TrunkView, type PageView } from '@dialfleet/contracts';
import { Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, Context, Requires, type RequestContext } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import { ApiPage } from '../http/api-page.js';
import { ObjectBody, ValidBody, ValidQuery } from '../http/validated.js';
import { pageRequest } from './page-request.js';
import { TrunkChecks } from './trunk-checks.service.js';
import { TrunksService } from './trunks.service.js';

@ApiTags('trunks')
@Controller('api/v1/trunks')
export class TrunksController {
  constructor(private readonly trunks: TrunksService, private readonly checks: TrunkChecks) {}

  @Post()
  @Requires('admin')
  @ApiOperation({ summary: 'Add a SIP trunk' })
  @ApiBody({ type: TrunkRequest })
  @ApiCreatedResponse({ type: TrunkView })
  create(@Context() context: RequestContext, @ValidBody(TrunkRequest) request: TrunkRequest): Promise<TrunkView> { return this.trunks.create(context, request); }

  @Get()
  @Requires('admin')
  @ApiOperation({ summary: 'Trunks, newest first' })
  @ApiPage(TrunkView)
  list(@Caller() caller: Principal, @ValidQuery(PageQuery) query: PageQuery): Promise<PageView<TrunkView>> { return this.trunks.list(caller.workspaceId, pageRequest(query)); }

  @Get(':id')
  @Requires('admin')
  @ApiOperation({ summary: 'One trunk' })
  @ApiOkResponse({ type: TrunkView })
  get(@Caller() caller: Principal, @Param('id') id: string): Promise<TrunkView> { return this.trunks.get(caller.workspaceId, id); }

  @Patch(':id')
  @Requires('admin')
  @ApiOperation({ summary: 'Change settings: what is given replaces, null empties' })
  @ApiBody({ type: TrunkPatch })
  @ApiOkResponse({ type: TrunkView })
  patch(@Context() context: RequestContext, @Param('id') id: string, @ObjectBody() patch: object): Promise<TrunkView> { return this.trunks.patch(context, id, patch); }

  @Post(':id/check')
  @HttpCode(200)
  @Requires('admin')
  @ApiOperation({ summary: 'Try the trunk from a worker: name service, connections, TLS, OPTIONS, registration, codecs; takes up to 10 s' })
  @ApiOkResponse({ type: TrunkCheckView })
  check(@Caller() caller: Principal, @Param('id') id: string): Promise<TrunkCheckView> { return this.checks.check(caller.workspaceId, id); }

  @Delete(':id')
  @HttpCode(204)
  @Requires('admin')
  @ApiOperation({ summary: 'Put a trunk away; calls that ran with it stay' })
  @ApiNoContentResponse()
  remove(@Context() context: RequestContext, @Param('id') id: string): Promise<void> { return this.trunks.remove(context, id); }
}
