import { AuditEntryView, PageQuery, type PageView } from '@dialfleet/contracts';
import { pageArgs, pageOf, pageWhere, type Database } from '@dialfleet/database';
import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, Requires } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import { ApiPage } from '../http/api-page.js';
import { ValidQuery } from '../http/validated.js';
import { DATABASE } from '../tokens.js';
import { pageRequest } from './page-request.js';

@ApiTags('audit log')
@Controller('api/v1/audit-log')
export class AuditLogController {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  @Get()
  @Requires('admin')
  @ApiOperation({ summary: 'Who changed what, newest first' })
  @ApiPage(AuditEntryView)
  async list(@Caller() { workspaceId }: Principal, @ValidQuery(PageQuery) query: PageQuery): Promise<PageView<AuditEntryView>> {
    const page = pageRequest(query);
    const { data, nextCursor } = pageOf(await this.database.auditEntry.findMany({ where: { workspaceId, ...pageWhere(page) }, ...pageArgs(page) }), page.limit);
    return { next_cursor: nextCursor, data: data.map((row) => ({
      id: row.id, at: row.createdAt.toISOString(), actor_type: row.actorType, actor_id: row.actorId, action: row.action, target_type: row.targetType,
      target_id: row.targetId, detail: row.detail as Record<string, unknown>, request_id: row.requestId,
    })) };
  }
}
