import { auditEntry, type AuditRecord, type Database } from '@dialfleet/database';
import type { RequestContext } from '../auth/access.js';

type Change = Omit<AuditRecord, 'workspaceId' | 'actor' | 'requestId'>;

/** The statement that writes who changed what; it goes into the transaction of the change. */
export const auditOf = (database: Database, { principal, requestId }: RequestContext, change: Change): ReturnType<typeof auditEntry> =>
  auditEntry(database, { workspaceId: principal.workspaceId, actor: principal.actor, requestId, ...change });
