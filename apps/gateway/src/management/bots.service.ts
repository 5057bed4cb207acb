import {
  BotRequest, splitSecrets, type BotConfig, type BotVersionView, type BotView, type ConfigSecrets, type FieldProblem, type PageView,
} from '@dialfleet/contracts';
import {
  isId, isUniqueViolation, newId, pageArgs, pageOf, pageWhere, SecretBox, type BotModel, type BotVersionModel, type Database, type PageRequest, type Prisma,
} from '@dialfleet/database';
import { Inject, Injectable } from '@nestjs/common';
import type { RequestContext } from '../auth/access.js';
import { invalid, invalidField, ProblemError } from '../http/problem.js';
import { validated } from '../http/validated.js';
import { DATABASE } from '../tokens.js';
import { auditOf } from './audit-trail.js';
import { botProblems } from './bot-problems.js';
import { fieldsOf, mergePatch, plain } from './merge-patch.js';

interface StoredBot { bot: BotModel; version: BotVersionModel }

/** Bots and their immutable versions: every change writes the next one. */
@Injectable()
export class BotsService {
  constructor(@Inject(DATABASE) private readonly database: Database, private readonly box: SecretBox) {}

  async create(context: RequestContext, request: BotRequest): Promise<BotView> {
    const { workspaceId } = context.principal;
    await this.check(workspaceId, request);
    const id = newId('bot');
    const [bot, version] = await this.database.$transaction([
      this.database.bot.create({ data: { id, workspaceId, name: request.name, currentVersion: 1, trunkId: request.trunk_id } }),
      this.writeVersion(context, id, 1, request, {}),
      auditOf(this.database, context, { action: 'bot.created', targetType: 'bot', targetId: id, detail: { name: request.name } }),
    ]);
    return botView({ bot, version });
  }

  async list(workspaceId: string, page: PageRequest): Promise<PageView<BotView>> {
    const bots = await this.database.bot.findMany({ where: { workspaceId, deletedAt: null, ...pageWhere(page) }, ...pageArgs(page) });
    const { data, nextCursor } = pageOf(bots, page.limit);
    const versions = await this.database.botVersion.findMany({ where: { workspaceId, OR: data.map((bot) => ({ botId: bot.id, version: bot.currentVersion })) } });
    const byBot = new Map(versions.map((version) => [version.botId, version]));
    return { data: data.flatMap((bot) => { const version = byBot.get(bot.id); return version ? [botView({ bot, version })] : []; }), next_cursor: nextCursor };
  }

  async get(workspaceId: string, id: string): Promise<BotView> { return botView(await this.require(workspaceId, id)); }

  async patch(context: RequestContext, id: string, patch: object): Promise<BotView> {
    const { workspaceId } = context.principal;
    const stored = await this.require(workspaceId, id);
    const request = validated(BotRequest, mergePatch(stored.version.config as object, patch));
    await this.check(workspaceId, request);
    const next = stored.bot.currentVersion + 1;
    try {
      const [version, bot] = await this.database.$transaction([
        this.writeVersion(context, id, next, request, this.secretsOf(stored.version)),
        this.database.bot.update({ where: { id }, data: { currentVersion: next, name: request.name, trunkId: request.trunk_id ?? null } }),
        auditOf(this.database, context, { action: 'bot.changed', targetType: 'bot', targetId: id, detail: { version: next, fields: fieldsOf(patch) } }),
      ]);
      return botView({ bot, version });
    } catch (error) {
      if (isUniqueViolation(error)) throw new ProblemError('conflict', 'The bot was changed at the same time; read it again and repeat.');
      throw error;
    }
  }

  async remove(context: RequestContext, id: string): Promise<void> {
    const { workspaceId } = context.principal;
    await this.require(workspaceId, id);
    await this.database.$transaction([
      this.database.bot.update({ where: { id }, data: { deletedAt: new Date() } }),
      this.database.phoneNumber.deleteMany({ where: { botId: id, workspaceId } }),
      auditOf(this.database, context, { action: 'bot.deleted', targetType: 'bot', targetId: id }),
    ]);
  }

  async versions(workspaceId: string, id: string, page: PageRequest): Promise<PageView<BotVersionView>> {
    await this.require(workspaceId, id);
    const before = page.cursor === undefined ? undefined : Number(page.cursor);
    if (before !== undefined && !(before > 0 && before < 2 ** 31)) throw invalidField('cursor', 'must be the next_cursor of a page');
    const rows = await this.database.botVersion.findMany({ where: { botId: id, workspaceId, version: { lt: before } }, orderBy: { version: 'desc' }, take: page.limit + 1 });
    const data = rows.slice(0, page.limit).map(versionView);
    return { data, next_cursor: rows.length > page.limit ? String(data[data.length - 1].version) : null };
  }

  /** @throws ProblemError 404 */
  async require(workspaceId: string, id: string): Promise<StoredBot> {
    const found = isId(id) ? await this.database.bot.findFirst({ where: { id, workspaceId, deletedAt: null }, include: { versions: { orderBy: { version: 'desc' }, take: 1 } } }) : null;
    if (!found) throw new ProblemError('bot_not_found', 'There is no bot with this id.');
    const { versions: [version], ...bot } = found;
    return { bot, version };
  }

  /** What the fields' own rules cannot see. */
  private async check(workspaceId: string, request: BotRequest): Promise<void> {
    const problems: FieldProblem[] = botProblems(request);
    if (request.trunk_id !== undefined && await this.database.trunk.count({ where: { id: request.trunk_id, workspaceId, deletedAt: null } }) === 0) {
      problems.push({ path: 'trunk_id', message: 'is not a trunk of this workspace' });
    }
    if (problems.length > 0) throw invalid(problems);
  }

  private writeVersion(context: RequestContext, botId: string, version: number, request: BotRequest, kept: ConfigSecrets) {
    const { config, secrets } = splitSecrets(plain(request), kept);
    return this.database.botVersion.create({ data: {
      botId, version, workspaceId: context.principal.workspaceId, config: config as Prisma.InputJsonObject, createdBy: context.principal.actor.id,
      secrets: Object.keys(secrets).length > 0 ? this.box.sealJson(secrets) : null,
    } });
  }

  private secretsOf(version: BotVersionModel): ConfigSecrets { return version.secrets === null ? {} : this.box.openJson<ConfigSecrets>(version.secrets); }
}

const botView = ({ bot, version }: StoredBot): BotView => ({
  bot_id: bot.id, version: version.version, ...(version.config as unknown as BotConfig), created_at: bot.createdAt.toISOString(), updated_at: bot.updatedAt.toISOString(),
});

const versionView = (row: BotVersionModel): BotVersionView => ({
  bot_id: row.botId, version: row.version, created_at: row.createdAt.toISOString(), created_by: row.createdBy, config: row.config as unknown as BotRequest,
});
