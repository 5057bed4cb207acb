import { PageQuery, TrunkPatch, TrunkRequest, TrunkView, type PageView } from '@dialfleet/contracts';
import { Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, Context, Requires, type RequestContext } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import { ApiPage } from '../http/api-page.js';
import { ObjectBody, ValidBody, ValidQuery } from '../http/validated.js';
import { pageRequest } from './page-request.js';
import { TrunksService } from './trunks.service.js';

@ApiTags('trunks')
@Controller('api/v1/trunks')
export class TrunksController {
  constructor(private readonly trunks: TrunksService) {}

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

  @Delete(':id')
  @HttpCode(204)
  @Requires('admin')
  @ApiOperation({ summary: 'Put a trunk away; calls that ran with it stay' })
  @ApiNoContentResponse()
  remove(@Context() context: RequestContext, @Param('id') id: string): Promise<void> { return this.trunks.remove(context, id); }
}
