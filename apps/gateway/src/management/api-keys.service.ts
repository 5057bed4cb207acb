import type { ApiKeyCreated, ApiKeyRequest, ApiKeyView, PageView } from '@dialfleet/contracts';
import { createApiKey, isId, pageArgs, pageOf, pageWhere, type ApiKeyModel, type Database, type PageRequest } from '@dialfleet/database';
import type { Clock } from '@dialfleet/kit';
import { Inject, Injectable } from '@nestjs/common';
import type { RequestContext } from '../auth/access.js';
import { invalidField, ProblemError } from '../http/problem.js';
import { CLOCK, DATABASE } from '../tokens.js';
import { auditOf } from './audit-trail.js';

@Injectable()
export class ApiKeysService {
  constructor(@Inject(DATABASE) private readonly database: Database, @Inject(CLOCK) private readonly clock: Clock) {}

  async create(context: RequestContext, request: ApiKeyRequest): Promise<ApiKeyCreated> {
    const { workspaceId } = context.principal;
    const expiresAt = request.expires_at === undefined ? null : new Date(request.expires_at);
    if (expiresAt && expiresAt.getTime() <= this.clock.nowMs()) throw invalidField('expires_at', 'must lie in the future');
    const botIds = request.bot_ids ?? [];
    if (botIds.length > 0 && request.scopes.includes('admin')) throw invalidField('bot_ids', 'cannot bind an admin key: it may change every bot');
    await this.requireBots(workspaceId, botIds);
    const { id, mode, key, secretHash, lastFour } = createApiKey(request.mode ?? 'live');
    const [row] = await this.database.$transaction([
      this.database.apiKey.create({ data: { id, workspaceId, name: request.name, mode, secretHash, lastFour, scopes: request.scopes, botIds, expiresAt } }),
      auditOf(this.database, context, { action: 'api_key.created', targetType: 'api_key', targetId: id, detail: { name: request.name, scopes: request.scopes } }),
    ]);
    return { ...keyView(row), key };
  }

  async list(workspaceId: string, page: PageRequest): Promise<PageView<ApiKeyView>> {
    const rows = await this.database.apiKey.findMany({ where: { workspaceId, ...pageWhere(page) }, ...pageArgs(page) });
    const { data, nextCursor } = pageOf(rows, page.limit);
    return { data: data.map(keyView), next_cursor: nextCursor };
  }

  /** Works at once on every gateway: keys are looked up at each request. Revoking twice is harmless. */
  async revoke(context: RequestContext, id: string): Promise<void> {
    const { workspaceId } = context.principal;
    const known = isId(id) ? await this.database.apiKey.findFirst({ where: { id, workspaceId } }) : null;
    if (!known) throw new ProblemError('api_key_not_found', 'There is no key with this id.');
    if (known.revokedAt !== null) return;
    await this.database.$transaction([
      this.database.apiKey.update({ where: { id }, data: { revokedAt: new Date(this.clock.nowMs()) } }),
      auditOf(this.database, context, { action: 'api_key.revoked', targetType: 'api_key', targetId: id, detail: { name: known.name } }),
    ]);
  }

  private async requireBots(workspaceId: string, botIds: string[]): Promise<void> {
    if (botIds.length === 0) return;
    const known = await this.database.bot.findMany({ where: { workspaceId, id: { in: botIds }, deletedAt: null }, select: { id: true } });
    const missing = botIds.findIndex((id) => !known.some((bot) => bot.id === id));
    if (missing >= 0) throw invalidField(`bot_ids.${missing}`, 'is not a bot of this workspace');
  }
}

const keyView = (row: ApiKeyModel): ApiKeyView => ({
  key_id: row.id, name: row.name, mode: row.mode, last_four: row.lastFour, scopes: row.scopes, bot_ids: row.botIds, expires_at: row.expiresAt?.toISOString() ?? null,
  last_used_at: row.lastUsedAt?.toISOString() ?? null, revoked_at: row.revokedAt?.toISOString() ?? null, created_at: row.createdAt.toISOString(),
});
