import { isRecord, TrunkRequest, type PageView, type TrunkView } from '@dialfleet/contracts';
import { isId, newId, pageArgs, pageOf, pageWhere, SecretBox, type Database, type PageRequest, type TrunkModel } from '@dialfleet/database';
import type { Clock } from '@dialfleet/kit';
import { Inject, Injectable } from '@nestjs/common';
import type { RequestContext } from '../auth/access.js';
import { FleetPort } from '../fleet/fleet-port.js';
import { invalid, ProblemError } from '../http/problem.js';
import { validated } from '../http/validated.js';
import { CLOCK, DATABASE } from '../tokens.js';
import { auditOf } from './audit-trail.js';
import { fieldsOf, mergePatch } from './merge-patch.js';
import { registrationView, requestOf, trunkColumns, trunkView } from './trunk-columns.js';
import { nothingStored, trunkProblems, type StoredSecrets } from './trunk-problems.js';

/** A body that has not been validated yet. */
interface Patch { password?: unknown; tls?: unknown }
/** Columns of what is never shown. */
interface SealedSecrets { password: string | null; tlsKey: string | null }

@Injectable()
export class TrunksService {
  constructor(@Inject(DATABASE) private readonly database: Database, private readonly box: SecretBox, private readonly fleet: FleetPort, @Inject(CLOCK) private readonly clock: Clock) {}

  async create(context: RequestContext, request: TrunkRequest): Promise<TrunkView> {
    const id = newId('trunk');
    const secrets = { password: this.sealed(request.password), tlsKey: this.sealed(request.tls?.key) };
    const data = { id, workspaceId: context.principal.workspaceId, ...columns(request, nothingStored), ...secrets };
    const [row] = await this.database.$transaction([
      this.database.trunk.create({ data }),
      auditOf(this.database, context, { action: 'trunk.created', targetType: 'trunk', targetId: id, detail: { name: request.name, host: request.host } }),
    ]);
    this.fleet.trunksChanged();
    return trunkView(row, null);
  }

  async list(workspaceId: string, page: PageRequest): Promise<PageView<TrunkView>> {
    const rows = await this.database.trunk.findMany({ where: { workspaceId, deletedAt: null, ...pageWhere(page) }, ...pageArgs(page) });
    const { data, nextCursor } = pageOf(rows, page.limit);
    return { data: await Promise.all(data.map((row) => this.view(row))), next_cursor: nextCursor };
  }

  async get(workspaceId: string, id: string): Promise<TrunkView> { return this.view(await this.require(workspaceId, id)); }

  async patch(context: RequestContext, id: string, patch: Patch): Promise<TrunkView> {
    const row = await this.require(context.principal.workspaceId, id);
    const current = requestOf(row);
    const merged = mergePatch(current, patch);
    if (isRecord(patch.tls)) merged['tls'] = mergePatch(current.tls ?? {}, patch.tls);
    const request = validated(TrunkRequest, merged);
    const secrets = this.secretsAfter(row, patch, request);
    const [updated] = await this.database.$transaction([
      this.database.trunk.update({ where: { id }, data: { ...columns(request, this.kept(secrets, patch)), ...secrets } }),
      auditOf(this.database, context, { action: 'trunk.changed', targetType: 'trunk', targetId: id, detail: { fields: fieldsOf(patch) } }),
    ]);
    this.fleet.trunksChanged();
    return this.view(updated);
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

  private async view(row: TrunkModel): Promise<TrunkView> {
    const state = row.register ? await this.fleet.registration(row.id) : undefined;
    return trunkView(row, state ? registrationView(state, this.clock.nowMs()) : null);
  }

  /** What a patch does not name stays sealed as it is. */
  private secretsAfter(row: TrunkModel, patch: Patch, request: TrunkRequest): SealedSecrets {
    const keepsKey = patch.tls === undefined || (isRecord(patch.tls) && patch.tls['key'] === undefined);
    return {
      password: patch.password === undefined ? row.password : this.sealed(request.password),
      tlsKey: keepsKey ? row.tlsKey : this.sealed(request.tls?.key),
    };
  }

  private kept({ password, tlsKey }: SealedSecrets, patch: Patch): StoredSecrets {
    const changesTls = isRecord(patch.tls);
    return { hasPassword: password !== null, hasClientKey: tlsKey !== null, ...(changesTls && tlsKey !== null ? { clientKey: this.box.open(tlsKey) } : {}) };
  }

  private sealed(secret: string | undefined): string | null { return secret === undefined ? null : this.box.seal(secret); }
}

/** @throws ProblemError 422 */
function columns(request: TrunkRequest, stored: StoredSecrets) {
  const problems = trunkProblems(request, stored);
  if (problems.length > 0) throw invalid(problems);
  return trunkColumns(request);
}
