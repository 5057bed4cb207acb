import { parseApiKey, secretMatches, type ApiKeyModel, type Database } from '@dialfleet/database';
import type { Clock, Logger } from '@dialfleet/kit';
import { Inject, Injectable } from '@nestjs/common';
import { ProblemError } from '../http/problem.js';
import { CLOCK, DATABASE, LOGGER } from '../tokens.js';
import type { Principal } from './principal.js';

const TOUCH_EVERY_MS = 60_000;

/** API keys: looked up at each request, so that a revoked key is dead on every gateway at once. */
@Injectable()
export class KeyAuthenticator {
  private readonly touched = new Map<string, number>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws ProblemError 401, the same for every reason. */
  async authenticate(header: string | string[] | undefined): Promise<Principal> {
    const parsed = typeof header === 'string' ? parseApiKey(header) : null;
    if (!parsed) throw refused();
    const key = await this.database.apiKey.findUnique({ where: { id: parsed.id } });
    if (!key || key.mode !== parsed.mode || !secretMatches(parsed.secret, key.secretHash) || !this.isLive(key)) throw refused();
    this.touch(key);
    return {
      workspaceId: key.workspaceId, actor: { type: 'api_key', id: key.id }, scopes: new Set(key.scopes),
      botIds: key.botIds.length > 0 ? new Set(key.botIds) : null,
    };
  }

  private isLive({ revokedAt, expiresAt }: ApiKeyModel): boolean {
    return revokedAt === null && (expiresAt === null || expiresAt.getTime() > this.clock.nowMs());
  }

  /** Last use, at most once a minute and beside the request. */
  private touch({ id, lastUsedAt }: ApiKeyModel): void {
    const nowMs = this.clock.nowMs();
    const last = Math.max(lastUsedAt?.getTime() ?? 0, this.touched.get(id) ?? 0);
    if (nowMs - last < TOUCH_EVERY_MS) return;
    this.touched.set(id, nowMs);
    this.database.apiKey.update({ where: { id }, data: { lastUsedAt: new Date(nowMs) }, select: { id: true } })
      .catch((error: unknown) => this.logger.warn('last use of a key not stored', { key_id: id, error }));
  }
}

const refused = (): ProblemError => new ProblemError('invalid_api_key', 'The X-API-Key header is missing or is not a valid key.');
