import { randomBytes } from 'node:crypto';
import { EndpointRequest, type EndpointAuth, type EndpointCreated, type EndpointView, type FieldProblem, type PageView, type RateLimit } from '@dialfleet/contracts';
import { isId, newId, pageArgs, pageOf, pageWhere, Prisma, SecretBox, type Database, type EndpointModel, type PageRequest } from '@dialfleet/database';
import { validateMapper } from '@dialfleet/delivery';
import { Inject, Injectable } from '@nestjs/common';
import type { RequestContext } from '../auth/access.js';
import { invalid, ProblemError } from '../http/problem.js';
import { validated } from '../http/validated.js';
import type { GatewaySettings } from '../settings.js';
import { DATABASE, SETTINGS } from '../tokens.js';
import { auditOf } from './audit-trail.js';
import { BotsService } from './bots.service.js';
import { fieldsOf, mergePatch, plain } from './merge-patch.js';

const SIGNING_SECRET_BYTES = 32;

/** Where a bot's results go. Headers, auth and the signing secret are sealed and never read back. */
@Injectable()
export class EndpointsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database, private readonly box: SecretBox, private readonly bots: BotsService,
    @Inject(SETTINGS) private readonly settings: Pick<GatewaySettings, 'egressAllow'>,
  ) {}

  async create(context: RequestContext, botId: string, request: EndpointRequest): Promise<EndpointCreated> {
    const { workspaceId } = context.principal;
    await this.bots.require(workspaceId, botId);
    this.check(request);
    const id = newId('endpoint');
    const secret = `whsec_${randomBytes(SIGNING_SECRET_BYTES).toString('base64')}`;
    const [row] = await this.database.$transaction([
      this.database.endpoint.create({ data: { id, workspaceId, botId, kind: request.kind, secret: this.box.seal(secret), ...this.columns(request) } }),
      auditOf(this.database, context, { action: 'endpoint.created', targetType: 'endpoint', targetId: id, detail: { bot_id: botId, kind: request.kind } }),
    ]);
    return { ...this.view(row), secret };
  }

  async list(workspaceId: string, botId: string, page: PageRequest): Promise<PageView<EndpointView>> {
    await this.bots.require(workspaceId, botId);
    const rows = await this.database.endpoint.findMany({ where: { workspaceId, botId, deletedAt: null, ...pageWhere(page) }, ...pageArgs(page) });
    const { data, nextCursor } = pageOf(rows, page.limit);
    return { data: data.map((row) => this.view(row)), next_cursor: nextCursor };
  }

  async get(workspaceId: string, id: string): Promise<EndpointView> { return this.view(await this.require(workspaceId, id)); }

  async patch(context: RequestContext, id: string, patch: object): Promise<EndpointView> {
    const row = await this.require(context.principal.workspaceId, id);
    const request = validated(EndpointRequest, mergePatch(this.requestOf(row), patch));
    if (request.kind !== row.kind) throw invalid([{ path: 'kind', message: 'cannot be changed: add another endpoint' }]);
    this.check(request);
    const [updated] = await this.database.$transaction([
      this.database.endpoint.update({ where: { id }, data: this.columns(request) }),
      auditOf(this.database, context, { action: 'endpoint.changed', targetType: 'endpoint', targetId: id, detail: { fields: fieldsOf(patch) } }),
    ]);
    return this.view(updated);
  }

  async remove(context: RequestContext, id: string): Promise<void> {
    await this.require(context.principal.workspaceId, id);
    await this.database.$transaction([
      this.database.endpoint.update({ where: { id }, data: { deletedAt: new Date(), enabled: false } }),
      auditOf(this.database, context, { action: 'endpoint.deleted', targetType: 'endpoint', targetId: id }),
    ]);
  }

  async require(workspaceId: string, id: string): Promise<EndpointModel> {
    const row = isId(id) ? await this.database.endpoint.findFirst({ where: { id, workspaceId, deletedAt: null } }) : null;
    if (!row) throw new ProblemError('endpoint_not_found', 'There is no endpoint with this id.');
    return row;
  }

  private check({ kind, url, mapper }: EndpointRequest): void {
    const problems: FieldProblem[] = [];
    if (url.startsWith('http:') && this.settings.egressAllow === '') problems.push({ path: 'url', message: 'must be https' });
    if (kind === 'crm_push' && !mapper) problems.push({ path: 'mapper', message: 'is required for a crm_push' });
    if (kind === 'webhook' && mapper) problems.push({ path: 'mapper', message: 'is for crm_push: a webhook carries the whole result' });
    if (mapper) problems.push(...validateMapper(mapper).map(({ path, message }) => ({ path: path === '' ? 'mapper' : `mapper.${path}`, message })));
    if (problems.length > 0) throw invalid(problems);
  }

  private columns(request: EndpointRequest) {
    const { scheme, ...options } = request.auth ?? { scheme: 'none' as const };
    const enabled = request.enabled ?? true;
    return {
      url: request.url, headers: request.headers ? this.box.sealJson(request.headers) : null,
      authScheme: scheme, auth: scheme === 'none' ? null : this.box.sealJson(options),
      mapper: json(request.mapper), rateLimit: json(request.rate_limit), enabled,
      disabledReason: enabled ? null : 'admin', disabledAt: enabled ? null : new Date(),
    };
  }

  /** The stored endpoint as the request that would make it. */
  private requestOf(row: EndpointModel): Record<string, unknown> {
    return {
      kind: row.kind, url: row.url, headers: row.headers === null ? null : this.box.openJson(row.headers), mapper: row.mapper, rate_limit: row.rateLimit,
      auth: row.auth === null ? null : { scheme: row.authScheme, ...this.box.openJson<Partial<EndpointAuth>>(row.auth) }, enabled: row.enabled,
    };
  }

  private view(row: EndpointModel): EndpointView {
    return {
      endpoint_id: row.id, bot_id: row.botId, kind: row.kind, url: row.url,
      header_names: row.headers === null ? [] : Object.keys(this.box.openJson<Record<string, string>>(row.headers)), auth_scheme: row.authScheme,
      mapper: row.mapper as Record<string, unknown> | null, rate_limit: row.rateLimit as RateLimit | null, enabled: row.enabled,
      disabled_reason: row.disabledReason, created_at: row.createdAt.toISOString(), updated_at: row.updatedAt.toISOString(),
    };
  }
}

const json = (value: object | undefined): Prisma.InputJsonObject | typeof Prisma.DbNull => (value === undefined ? Prisma.DbNull : plain(value) as Prisma.InputJsonObject);
