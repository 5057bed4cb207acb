import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import type { TrunkRow } from './trunk-row.js';

export interface DialoutBot { id: string; version: number; config: unknown; /** Sealed. */ secrets: string | null; trunk: TrunkRow | null }

export interface NewCall {
  id: string;
  workspaceId: string;
  botId: string;
  botVersion: number;
  trunkId: string;
  fromNumber: string;
  toNumber: string;
  variables: Record<string, string>;
  acceptedAtMs: number;
}

export interface IdempotencyClaim { key: string; bodyHash: Uint8Array<ArrayBuffer> }

/** What an idempotency key stands for at this moment. `free`: nobody has used it, or its call was refused. */
export type KeyState = { state: 'free' } | { state: 'in_flight' } | { state: 'answered'; sessionId: string } | { state: 'other_body' };

/** How long a request may hold its key without an answer. Longer than any dialout takes; after a crash the key frees itself. */
const KEY_LEASE_MS = 10_000;
const KEY_LIFE_MS = 24 * 3600 * 1000;

interface KeyRow { session_id: string; same_body: boolean; answered: boolean; leased: boolean; expired: boolean }

/** The database side of a dialout: three round trips, each one statement and so one transaction. */
export class DialoutRepository {
  constructor(private readonly database: Database) {}

  /** The bot's present version and its outbound trunk: its own, else the workspace's first. */
  async findBot(workspaceId: string, botId: string): Promise<DialoutBot | null> {
    const rows = await this.database.$queryRaw<DialoutBot[]>`
      SELECT b.id, v.version, v.config, v.secrets, to_jsonb(t) AS trunk
      FROM bots b
      JOIN bot_versions v ON v.bot_id = b.id AND v.version = b.current_version
      LEFT JOIN LATERAL (
        SELECT * FROM trunks WHERE workspace_id = b.workspace_id AND deleted_at IS NULL AND (b.trunk_id IS NULL OR id = b.trunk_id) ORDER BY id LIMIT 1
      ) t ON true
      WHERE b.id = ${botId} AND b.workspace_id = ${workspaceId} AND b.deleted_at IS NULL`;
    return rows[0] ?? null;
  }

  /** Whether `number` is a caller id or DID of the workspace. */
  async ownsNumber(workspaceId: string, number: string): Promise<boolean> {
    const rows = await this.database.$queryRaw<unknown[]>`
      SELECT 1 FROM trunks WHERE workspace_id = ${workspaceId} AND deleted_at IS NULL AND (default_from_number = ${number} OR ${number} = ANY(caller_ids))
      UNION ALL SELECT 1 FROM numbers WHERE workspace_id = ${workspaceId} AND number = ${number} LIMIT 1`;
    return rows.length > 0;
  }

  /** Calls in progress over a trunk. */
  async liveCalls(workspaceId: string, trunkId: string): Promise<number> {
    return this.database.call.count({ where: { workspaceId, trunkId, state: { notIn: ['ended', 'refused'] } } });
  }

  /** Calls accepted over a trunk after `sinceMs` (Unix), however they went. */
  async callsSince(workspaceId: string, trunkId: string, sinceMs: number): Promise<number> {
    return this.database.call.count({ where: { workspaceId, trunkId, acceptedAt: { gt: new Date(sinceMs) }, state: { not: 'refused' } } });
  }

  async keyState(workspaceId: string, { key, bodyHash }: IdempotencyClaim, nowMs: number): Promise<KeyState> {
    const now = new Date(nowMs);
    const rows = await this.database.$queryRaw<KeyRow[]>`
      SELECT session_id, body_hash = ${bodyHash} AS same_body, answer IS NOT NULL AS answered, lease_until > ${now} AS leased, expires_at <= ${now} AS expired
      FROM idempotency_keys WHERE workspace_id = ${workspaceId} AND key = ${key}`;
    const row = rows[0];
    if (!row || row.expired) return { state: 'free' };
    if (!row.same_body) return { state: 'other_body' };
    // Past its lease without an answer, the gateway that held it died. The call row was stored with the key, so the call
    // counts as accepted and gets its one result: it is never dialled a second time.
    return row.answered || !row.leased ? { state: 'answered', sessionId: row.session_id } : { state: 'in_flight' };
  }

  /** Stores the call, and with it the key, before anything is dialled. False: another request holds the key. */
  async accept(call: NewCall, claim: IdempotencyClaim | undefined): Promise<boolean> {
    const acceptedAt = new Date(call.acceptedAtMs);
    const columns = Prisma.sql`INSERT INTO calls
      (id, workspace_id, bot_id, bot_version, trunk_id, direction, from_number, to_number, caller_id, variables, state, accepted_at, updated_at)
      SELECT ${call.id}, ${call.workspaceId}, ${call.botId}, ${call.botVersion}::int, ${call.trunkId}, 'outbound', ${call.fromNumber}, ${call.toNumber},
        ${call.toNumber}, ${JSON.stringify(call.variables)}::jsonb, 'accepted', ${acceptedAt}::timestamptz, ${acceptedAt}::timestamptz`;
    if (!claim) return await this.database.$executeRaw(columns) === 1;
    const leaseUntil = new Date(call.acceptedAtMs + KEY_LEASE_MS);
    const expiresAt = new Date(call.acceptedAtMs + KEY_LIFE_MS);
    return await this.database.$executeRaw`
      WITH held AS (
        INSERT INTO idempotency_keys AS k (workspace_id, key, body_hash, session_id, lease_until, created_at, expires_at)
        VALUES (${call.workspaceId}, ${claim.key}, ${claim.bodyHash}, ${call.id}, ${leaseUntil}, ${acceptedAt}, ${expiresAt})
        ON CONFLICT (workspace_id, key) DO UPDATE SET body_hash = EXCLUDED.body_hash, session_id = EXCLUDED.session_id, answer = NULL,
          lease_until = EXCLUDED.lease_until, created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at
          WHERE k.expires_at <= ${acceptedAt}
        RETURNING 1
      ) ${columns} FROM held` === 1;
  }

  /** A worker took the call: its name on the row, the answer on the key. Events may have been faster: they win. */
  async claimed(call: Pick<NewCall, 'id' | 'workspaceId'>, worker: { workerId: string; epoch: string }, key: string | undefined, answer: object): Promise<void> {
    await this.database.$executeRaw`
      WITH answered AS (
        UPDATE idempotency_keys SET answer = ${JSON.stringify(answer)}::jsonb
        WHERE workspace_id = ${call.workspaceId} AND key = ${key ?? null}::text AND session_id = ${call.id}
      )
      UPDATE calls SET worker_id = ${worker.workerId}, worker_epoch = ${worker.epoch}, updated_at = now()
      WHERE id = ${call.id} AND workspace_id = ${call.workspaceId} AND worker_id IS NULL`;
  }

  /** No worker took it: nothing was dialled and nothing is owed. Frees the key. */
  async refused(call: Pick<NewCall, 'id' | 'workspaceId'>, reason: string, key: string | undefined): Promise<void> {
    await this.database.$executeRaw`
      WITH freed AS (DELETE FROM idempotency_keys WHERE workspace_id = ${call.workspaceId} AND key = ${key ?? null}::text AND session_id = ${call.id})
      UPDATE calls SET state = 'refused', hangup_reason = ${reason}, ended_at = now(), updated_at = now()
      WHERE id = ${call.id} AND workspace_id = ${call.workspaceId} AND state = 'accepted'`;
  }

  /** Forgets keys whose day is over. Returns how many. */
  async forgetExpiredKeys(nowMs: number): Promise<number> {
    return (await this.database.idempotencyKey.deleteMany({ where: { expiresAt: { lte: new Date(nowMs) } } })).count;
  }
}
