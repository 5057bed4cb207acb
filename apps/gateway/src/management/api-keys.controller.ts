import { ApiKeyCreated, ApiKeyRequest, ApiKeyView, PageQuery, type PageView } from '@dialfleet/contracts';
import { Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, Context, Requires, type RequestContext } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import { ApiPage } from '../http/api-page.js';
import { ValidBody, ValidQuery } from '../http/validated.js';
import { ApiKeysService } from './api-keys.service.js';
import { pageRequest } from './page-request.js';

@ApiTags('api keys')
@Controller('api/v1/api-keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  @Post()
  @Requires('admin')
  @ApiOperation({ summary: 'Make a key; it is shown this once' })
  @ApiBody({ type: ApiKeyRequest })
  @ApiCreatedResponse({ type: ApiKeyCreated })
  create(@Context() context: RequestContext, @ValidBody(ApiKeyRequest) request: ApiKeyRequest): Promise<ApiKeyCreated> { return this.keys.create(context, request); }

  @Get()
  @Requires('admin')
  @ApiOperation({ summary: 'Keys without their secrets, newest first' })
  @ApiPage(ApiKeyView)
  list(@Caller() caller: Principal, @ValidQuery(PageQuery) query: PageQuery): Promise<PageView<ApiKeyView>> { return this.keys.list(caller.workspaceId, pageRequest(query)); }

  @Delete(':id')
  @HttpCode(204)
  @Requires('admin')
  @ApiOperation({ summary: 'Revoke a key, at once' })
  @ApiNoContentResponse()
  revoke(@Context() context: RequestContext, @Param('id') id: string): Promise<void> { return this.keys.revoke(context, id); }
}
