import type { CallResult } from '@dialfleet/call';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import type { CallModel } from './generated/models.js';
import { pageOf, type Page, type PageRequest } from './page.js';

export interface CallFilter {
  /** Only these bots; undefined: all of the workspace. */
  botIds?: string[];
  toNumber?: string;
  state?: string;
  disconnectedBy?: string;
  from?: Date;
  to?: Date;
  variables?: Record<string, string>;
}

export interface CallRow {
  id: string;
  bot_id: string;
  bot_version: number;
  direction: string;
  from_number: string;
  to_number: string;
  caller_id: string;
  variables: Record<string, string>;
  state: string;
  accepted_at: Date;
  answered_at: Date | null;
  ended_at: Date | null;
  duration_seconds: number | null;
  disconnected_by: string | null;
  hangup_reason: string | null;
  sip_status: number | null;
  recording_status: string | null;
}

export interface TimelineRow { seq: number; at: Date; type: string; data: unknown }

/** Reads of calls. Every method is bound to one workspace. */
export class CallRepository {
  constructor(private readonly database: Database) {}

  find(workspaceId: string, sessionId: string): Promise<CallModel | null> {
    return this.database.call.findFirst({ where: { id: sessionId, workspaceId, state: { not: 'refused' } } });
  }

  /** For recording tokens, which are proof enough by themselves. */
  findAnywhere(sessionId: string): Promise<CallModel | null> {
    return this.database.call.findUnique({ where: { id: sessionId } });
  }

  async result(workspaceId: string, sessionId: string): Promise<CallResult | null> {
    const row = await this.database.callResult.findFirst({ where: { sessionId, workspaceId }, select: { result: true } });
    return (row?.result as CallResult | undefined) ?? null;
  }

  async events(workspaceId: string, sessionId: string, afterSeq = -1): Promise<TimelineRow[]> {
    return this.database.callEvent.findMany({
      where: { workspaceId, sessionId, seq: { gt: afterSeq } }, orderBy: { seq: 'asc' }, select: { seq: true, at: true, type: true, data: true },
    });
  }

  /** Newest first. Refused dialouts were never calls and are not listed. */
  async list(workspaceId: string, filter: CallFilter, page: PageRequest): Promise<Page<CallRow>> {
    const rows = await this.database.$queryRaw<CallRow[]>`
      SELECT id, bot_id, bot_version, direction, from_number, to_number, caller_id, variables, state, accepted_at, answered_at, ended_at,
        duration_seconds, disconnected_by, hangup_reason, sip_status, recording_status
      FROM calls WHERE ${Prisma.join(conditions(workspaceId, filter, page.cursor), ' AND ')}
      ORDER BY id DESC LIMIT ${page.limit + 1}`;
    return pageOf(rows, page.limit);
  }
}

function conditions(workspaceId: string, filter: CallFilter, cursor: string | undefined): Prisma.Sql[] {
  const { botIds, toNumber, state, disconnectedBy, from, to, variables } = filter;
  const where = [Prisma.sql`workspace_id = ${workspaceId}`, state === undefined ? Prisma.sql`state <> 'refused'` : Prisma.sql`state = ${state}`];
  if (cursor !== undefined) where.push(Prisma.sql`id < ${cursor}`);
  if (botIds !== undefined) where.push(Prisma.sql`bot_id = ANY(${botIds}::text[])`);
  if (toNumber !== undefined) where.push(Prisma.sql`to_number = ${toNumber}`);
  if (disconnectedBy !== undefined) where.push(Prisma.sql`disconnected_by = ${disconnectedBy}`);
  if (from !== undefined) where.push(Prisma.sql`accepted_at >= ${from}::timestamptz`);
  if (to !== undefined) where.push(Prisma.sql`accepted_at < ${to}::timestamptz`);
  if (variables !== undefined) where.push(Prisma.sql`variables @> ${JSON.stringify(variables)}::jsonb`);
  return where;
}
