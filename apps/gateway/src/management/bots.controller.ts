import { BotPatch, BotRequest, BotVersionView, BotView, PageQuery, type PageView } from '@dialfleet/contracts';
import { Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, Context, Requires, type RequestContext } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import { ApiPage } from '../http/api-page.js';
import { ObjectBody, ValidBody, ValidQuery } from '../http/validated.js';
import { BotsService } from './bots.service.js';
import { pageRequest } from './page-request.js';

@ApiTags('bots')
@Controller('api/v1/bots')
export class BotsController {
  constructor(private readonly bots: BotsService) {}

  @Post()
  @Requires('admin')
  @ApiOperation({ summary: 'Add a bot' })
  @ApiBody({ type: BotRequest })
  @ApiCreatedResponse({ type: BotView })
  create(@Context() context: RequestContext, @ValidBody(BotRequest) request: BotRequest): Promise<BotView> { return this.bots.create(context, request); }

  @Get()
  @Requires('admin')
  @ApiOperation({ summary: 'Bots, newest first' })
  @ApiPage(BotView)
  list(@Caller() caller: Principal, @ValidQuery(PageQuery) query: PageQuery): Promise<PageView<BotView>> { return this.bots.list(caller.workspaceId, pageRequest(query)); }

  @Get(':id')
  @Requires('admin')
  @ApiOperation({ summary: 'One bot' })
  @ApiOkResponse({ type: BotView })
  get(@Caller() caller: Principal, @Param('id') id: string): Promise<BotView> { return this.bots.get(caller.workspaceId, id); }

  @Patch(':id')
  @Requires('admin')
  @ApiOperation({ summary: 'Change settings: top-level fields replace, null returns to the default; makes a new version' })
  @ApiBody({ type: BotPatch })
  @ApiOkResponse({ type: BotView })
  patch(@Context() context: RequestContext, @Param('id') id: string, @ObjectBody() patch: object): Promise<BotView> { return this.bots.patch(context, id, patch); }

  @Delete(':id')
  @HttpCode(204)
  @Requires('admin')
  @ApiOperation({ summary: 'Put a bot away; calls that ran with it stay' })
  @ApiNoContentResponse()
  remove(@Context() context: RequestContext, @Param('id') id: string): Promise<void> { return this.bots.remove(context, id); }

  @Get(':id/versions')
  @Requires('admin')
  @ApiOperation({ summary: 'Every version, newest first; a call names the one it ran' })
  @ApiPage(BotVersionView)
  versions(@Caller() caller: Principal, @Param('id') id: string, @ValidQuery(PageQuery) query: PageQuery): Promise<PageView<BotVersionView>> {
    return this.bots.versions(caller.workspaceId, id, pageRequest(query));
  }
}
