import type { CallOutcome, CallResult } from '@dialfleet/call';
import { botSettings, MapperPreview, MapperPreviewRequest, type BotConfig } from '@dialfleet/contracts';
import { isId, type Database } from '@dialfleet/database';
import { mapBody, pushScope, sampleOutcome, sampleResult, validateMapper, type KeyMapper } from '@dialfleet/delivery';
import type { Clock } from '@dialfleet/kit';
import { Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, Requires } from '../../auth/access.js';
import type { Principal } from '../../auth/principal.js';
import { invalid, ProblemError } from '../../http/problem.js';
import { ValidBody } from '../../http/validated.js';
import { CLOCK, DATABASE } from '../../tokens.js';
import { BotsService } from '../bots.service.js';

interface PreviewCall { result: CallResult; crm: Record<string, unknown> }

@ApiTags('endpoints')
@Controller('api/v1/bots/:id/mapper/preview')
export class MapperPreviewController {
  constructor(private readonly bots: BotsService, @Inject(DATABASE) private readonly database: Database, @Inject(CLOCK) private readonly clock: Clock) {}

  @Post()
  @HttpCode(200)
  @Requires('admin')
  @ApiOperation({ summary: 'What a key mapper makes of a past or sample call' })
  @ApiBody({ type: MapperPreviewRequest })
  @ApiOkResponse({ type: MapperPreview })
  async preview(@Caller() { workspaceId }: Principal, @Param('id') botId: string, @ValidBody(MapperPreviewRequest) request: MapperPreviewRequest): Promise<MapperPreview> {
    const { version } = await this.bots.require(workspaceId, botId);
    const problems = validateMapper(request.mapper);
    if (problems.length > 0) throw invalid(problems.map(({ path, message }) => ({ path: path === '' ? 'mapper' : `mapper.${path}`, message })));
    const { result, crm } = request.session_id === undefined ? sampleCall(workspaceId, botId, version.version) : await this.pastCall(workspaceId, botId, request.session_id);
    const { timezone } = botSettings(version.config as unknown as BotConfig);
    return mapBody(request.mapper as KeyMapper, pushScope(result, crm, this.clock.nowMs(), timezone));
  }

  private async pastCall(workspaceId: string, botId: string, sessionId: string): Promise<PreviewCall> {
    const row = isId(sessionId) ? await this.database.callResult.findFirst({ where: { sessionId, workspaceId, botId } }) : null;
    if (!row) throw new ProblemError('call_not_found', 'This bot has no ended call with this id.');
    const result = row.result as unknown as CallResult;
    return { result, crm: (row.outcome as unknown as CallOutcome | null)?.crm ?? result.variables };
  }
}

function sampleCall(workspaceId: string, botId: string, botVersion: number): PreviewCall {
  const outcome = sampleOutcome({ workspaceId, botId, botVersion });
  return { result: sampleResult(outcome), crm: outcome.crm };
}
