import type { Database } from './database.js';

/** A call without a result, as the settler needs it. */
export interface OrphanCandidate {
  sessionId: string;
  workspaceId: string;
  botId: string;
  botVersion: number;
  direction: string;
  callerId: string;
  toNumber: string;
  fromNumber: string;
  variables: Record<string, string>;
  workerId: string | null;
  workerEpoch: string | null;
  acceptedAtMs: number;
  answeredAtMs: number | null;
  /** Of the row: when it was accepted, claimed, or an event of it arrived. */
  lastNewsMs: number;
}

const BATCH = 200;

export class PushOrphans {
  constructor(private readonly database: Database) {}

  /** Accepted calls without a result of which nothing was heard since `quietSinceMs`, longest silent first. */
  async quietCalls(quietSinceMs: number): Promise<OrphanCandidate[]> {
    const rows = await this.database.call.findMany({
      where: { state: { notIn: ['ended', 'refused'] }, updatedAt: { lte: new Date(quietSinceMs) }, result: { is: null } },
      orderBy: { updatedAt: 'asc' }, take: BATCH,
    });
    return rows.map((row) => ({
      sessionId: row.id, workspaceId: row.workspaceId, botId: row.botId, botVersion: row.botVersion, direction: row.direction, callerId: row.callerId,
      toNumber: row.toNumber, fromNumber: row.fromNumber, variables: row.variables as Record<string, string>, workerId: row.workerId, workerEpoch: row.workerEpoch,
      acceptedAtMs: row.acceptedAt.getTime(), answeredAtMs: row.answeredAt?.getTime() ?? null, lastNewsMs: row.updatedAt.getTime(),
    }));
  }

  async events(sessionId: string): Promise<{ at: Date; type: string; data: Record<string, unknown> }[]> {
    const rows = await this.database.callEvent.findMany({ where: { sessionId }, orderBy: { seq: 'asc' }, select: { at: true, type: true, data: true } });
    return rows.map((row) => ({ ...row, data: row.data as Record<string, unknown> }));
  }
}
