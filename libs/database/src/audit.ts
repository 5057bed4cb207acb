import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { newId } from './ids.js';

export interface Actor { type: 'api_key' | 'user' | 'system'; id: string }
export interface AuditRecord {
  workspaceId: string;
  actor: Actor;
  /** Past tense: `trunk.created`. */
  action: string;
  targetType: string;
  targetId: string;
  /** Secrets masked. */
  detail?: object;
  requestId?: string;
}

/** The statement that writes one audit line, for the same transaction as the change it tells of. */
export const auditEntry = (database: Pick<Database, 'auditEntry'>, record: AuditRecord) => database.auditEntry.create({
  data: {
    id: newId('audit'), workspaceId: record.workspaceId, actorType: record.actor.type, actorId: record.actor.id, action: record.action,
    targetType: record.targetType, targetId: record.targetId, detail: (record.detail ?? {}) as Prisma.InputJsonObject, requestId: record.requestId,
  },
});
