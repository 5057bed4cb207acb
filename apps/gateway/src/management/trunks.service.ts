import { normaliseNumber } from '@dialfleet/call';
import { TrunkRequest, type FieldProblem, type PageView, type TrunkView } from '@dialfleet/contracts';
import { isId, newId, pageArgs, pageOf, pageWhere, SecretBox, type Database, type PageRequest, type TrunkModel } from '@dialfleet/database';
import { Inject, Injectable } from '@nestjs/common';
import type { RequestContext } from '../auth/access.js';
import { FleetPort } from '../fleet/fleet-port.js';
import { invalid, ProblemError } from '../http/problem.js';
import { validated } from '../http/validated.js';
import { DATABASE } from '../tokens.js';
import { auditOf } from './audit-trail.js';
import { fieldsOf, mergePatch } from './merge-patch.js';

@Injectable()
export class TrunksService {
  constructor(@Inject(DATABASE) private readonly database: Database, private readonly box: SecretBox, private readonly fleet: FleetPort) {}

  async create(context: RequestContext, request: TrunkRequest): Promise<TrunkView> {
    const id = newId('trunk');
    const data = { id, workspaceId: context.principal.workspaceId, ...columns(request), password: this.sealed(request.password) };
    const [row] = await this.database.$transaction([
      this.database.trunk.create({ data }),
      auditOf(this.database, context, { action: 'trunk.created', targetType: 'trunk', targetId: id, detail: { name: request.name, host: request.host } }),
    ]);
    this.fleet.trunksChanged();
    return trunkView(row);
  }

  async list(workspaceId: string, page: PageRequest): Promise<PageView<TrunkView>> {
    const rows = await this.database.trunk.findMany({ where: { workspaceId, deletedAt: null, ...pageWhere(page) }, ...pageArgs(page) });
    const { data, nextCursor } = pageOf(rows, page.limit);
    return { data: data.map(trunkView), next_cursor: nextCursor };
  }

  async get(workspaceId: string, id: string): Promise<TrunkView> { return trunkView(await this.require(workspaceId, id)); }

  async patch(context: RequestContext, id: string, patch: { password?: string | null }): Promise<TrunkView> {
    const row = await this.require(context.principal.workspaceId, id);
    const request = validated(TrunkRequest, mergePatch(requestOf(row), patch));
    const password = patch.password === undefined ? row.password : this.sealed(request.password);
    const [updated] = await this.database.$transaction([
      this.database.trunk.update({ where: { id }, data: { ...columns(request), password } }),
      auditOf(this.database, context, { action: 'trunk.changed', targetType: 'trunk', targetId: id, detail: { fields: fieldsOf(patch) } }),
    ]);
    this.fleet.trunksChanged();
    return trunkView(updated);
  }

  /** Calls go on to name it; nothing new goes over it. */
  async remove(context: RequestContext, id: string): Promise<void> {
    await this.require(context.principal.workspaceId, id);
    await this.database.$transaction([
      this.database.trunk.update({ where: { id }, data: { deletedAt: new Date() } }),
      this.database.phoneNumber.deleteMany({ where: { trunkId: id, workspaceId: context.principal.workspaceId } }),
      auditOf(this.database, context, { action: 'trunk.deleted', targetType: 'trunk', targetId: id }),
    ]);
    this.fleet.trunksChanged();
  }

  async require(workspaceId: string, id: string): Promise<TrunkModel> {
    const row = isId(id) ? await this.database.trunk.findFirst({ where: { id, workspaceId, deletedAt: null } }) : null;
    if (!row) throw new ProblemError('trunk_not_found', 'There is no trunk with this id.');
    return row;
  }

  private sealed(password: string | undefined): string | null { return password === undefined ? null : this.box.seal(password); }
}

/** The columns of a validated request; numbers as calls compare them. @throws ProblemError 422 */
function columns(request: TrunkRequest) {
  const problems: FieldProblem[] = [];
  const number = (raw: string, path: string): string => {
    const result = normaliseNumber(raw, { defaultCountry: request.default_country, allowSipUser: request.allow_sip_user });
    if (result.ok) return result.value;
    problems.push({ path, message: result.message });
    return raw;
  };
  const numbers = {
    defaultFromNumber: number(request.default_from_number, 'default_from_number'),
    callerIds: (request.numbers ?? []).map((raw, i) => number(raw, `numbers.${i}`)),
  };
  if (problems.length > 0) throw invalid(problems);
  return { ...numbers, ...signalling(request), ...rules(request) };
}

const signalling = (request: TrunkRequest) => ({
  name: request.name, host: request.host, port: request.port, transport: request.transport, username: request.username ?? null,
  fromDomain: request.from_domain ?? null, register: request.register ?? false, codecs: request.codecs ?? ['PCMU', 'PCMA'], srtp: request.srtp ?? 'off',
});

const rules = (request: TrunkRequest) => ({
  maxCalls: request.max_calls ?? null, maxCps: request.max_cps ?? null, dialFormat: request.dial_format ?? '{e164}', defaultCountry: request.default_country ?? null,
  allowedPrefixes: request.allowed_prefixes ?? [], inboundSources: request.inbound_sources ?? [], allowSipUser: request.allow_sip_user ?? false,
});

/** The stored trunk as the request that would make it, without its password. */
const requestOf = (row: TrunkModel): Record<string, unknown> => ({
  name: row.name, host: row.host, port: row.port, transport: row.transport, username: row.username, from_domain: row.fromDomain, register: row.register,
  default_from_number: row.defaultFromNumber, numbers: row.callerIds, codecs: row.codecs, srtp: row.srtp, max_calls: row.maxCalls, max_cps: row.maxCps,
  dial_format: row.dialFormat, default_country: row.defaultCountry, allowed_prefixes: row.allowedPrefixes, inbound_sources: row.inboundSources,
  allow_sip_user: row.allowSipUser,
});

const trunkView = (row: TrunkModel): TrunkView => ({
  trunk_id: row.id, ...requestOf(row), has_password: row.password !== null, created_at: row.createdAt.toISOString(), updated_at: row.updatedAt.toISOString(),
} as TrunkView);
