import { normaliseNumber } from '@dialfleet/call';
import type { NumberRequest, NumberView, PageView } from '@dialfleet/contracts';
import { isId, isUniqueViolation, newId, pageArgs, pageOf, pageWhere, type Database, type PageRequest, type PhoneNumberModel } from '@dialfleet/database';
import { Inject, Injectable } from '@nestjs/common';
import type { RequestContext } from '../auth/access.js';
import { invalidField, ProblemError } from '../http/problem.js';
import { DATABASE } from '../tokens.js';
import { auditOf } from './audit-trail.js';

/** Inbound numbers and the bots that answer them. */
@Injectable()
export class NumbersService {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async create(context: RequestContext, request: NumberRequest): Promise<NumberView> {
    const { workspaceId } = context.principal;
    const [trunk, bot] = await Promise.all([
      this.database.trunk.findFirst({ where: { id: request.trunk_id, workspaceId, deletedAt: null } }),
      this.database.bot.findFirst({ where: { id: request.bot_id, workspaceId, deletedAt: null } }),
    ]);
    if (!trunk) throw invalidField('trunk_id', 'is not a trunk of this workspace');
    if (!bot) throw invalidField('bot_id', 'is not a bot of this workspace');
    const number = normaliseNumber(request.number, { defaultCountry: trunk.defaultCountry ?? undefined, allowSipUser: trunk.allowSipUser });
    if (!number.ok) throw invalidField('number', number.message);
    const id = newId('number');
    try {
      const [row] = await this.database.$transaction([
        this.database.phoneNumber.create({ data: { id, workspaceId, number: number.value, trunkId: trunk.id, botId: bot.id } }),
        auditOf(this.database, context, { action: 'number.created', targetType: 'number', targetId: id, detail: { trunk_id: trunk.id, bot_id: bot.id } }),
      ]);
      return numberView(row);
    } catch (error) {
      if (isUniqueViolation(error)) throw new ProblemError('conflict', 'This trunk has that number already.');
      throw error;
    }
  }

  async list(workspaceId: string, page: PageRequest): Promise<PageView<NumberView>> {
    const { data, nextCursor } = pageOf(await this.database.phoneNumber.findMany({ where: { workspaceId, ...pageWhere(page) }, ...pageArgs(page) }), page.limit);
    return { data: data.map(numberView), next_cursor: nextCursor };
  }

  /** Calls keep numbers as text: nothing refers to the row. */
  async remove(context: RequestContext, id: string): Promise<void> {
    const { workspaceId } = context.principal;
    const row = isId(id) ? await this.database.phoneNumber.findFirst({ where: { id, workspaceId } }) : null;
    if (!row) throw new ProblemError('number_not_found', 'There is no number with this id.');
    await this.database.$transaction([
      this.database.phoneNumber.delete({ where: { id } }),
      auditOf(this.database, context, { action: 'number.deleted', targetType: 'number', targetId: id }),
    ]);
  }
}

const numberView = (row: PhoneNumberModel): NumberView =>
  ({ number_id: row.id, number: row.number, trunk_id: row.trunkId, bot_id: row.botId, created_at: row.createdAt.toISOString() });
