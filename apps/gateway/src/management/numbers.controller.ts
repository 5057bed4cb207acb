import { NumberRequest, NumberView, PageQuery, type PageView } from '@dialfleet/contracts';
import { Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, Context, Requires, type RequestContext } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import { ApiPage } from '../http/api-page.js';
import { ValidBody, ValidQuery } from '../http/validated.js';
import { NumbersService } from './numbers.service.js';
import { pageRequest } from './page-request.js';

@ApiTags('numbers')
@Controller('api/v1/numbers')
export class NumbersController {
  constructor(private readonly numbers: NumbersService) {}

  @Post()
  @Requires('admin')
  @ApiOperation({ summary: 'Say which bot answers calls to a number of a trunk' })
  @ApiBody({ type: NumberRequest })
  @ApiCreatedResponse({ type: NumberView })
  create(@Context() context: RequestContext, @ValidBody(NumberRequest) request: NumberRequest): Promise<NumberView> { return this.numbers.create(context, request); }

  @Get()
  @Requires('admin')
  @ApiOperation({ summary: 'Inbound numbers, newest first' })
  @ApiPage(NumberView)
  list(@Caller() caller: Principal, @ValidQuery(PageQuery) query: PageQuery): Promise<PageView<NumberView>> { return this.numbers.list(caller.workspaceId, pageRequest(query)); }

  @Delete(':id')
  @HttpCode(204)
  @Requires('admin')
  @ApiOperation({ summary: 'Let nobody answer this number' })
  @ApiNoContentResponse()
  remove(@Context() context: RequestContext, @Param('id') id: string): Promise<void> { return this.numbers.remove(context, id); }
}
