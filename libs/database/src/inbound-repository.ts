import { createHash } from 'node:crypto';
import type { Database } from './database.js';
import type { NewCall } from './dialout-repository.js';
import type { TrunkRow } from './trunk-row.js';

/** A number of the asking trunks, with what answering it takes. */
export interface InboundRoute {
  /** Rises with the time at which the number was added. */
  number_id: string;
  number: string;
  workspace_id: string;
  trunk: TrunkRow;
  bot_id: string;
  version: number;
  config: unknown;
  /** Sealed. */
  secrets: string | null;
}

export interface InboundCall extends NewCall {
  callerId: string;
  /** Names the INVITE: the same one asked again is the same call. */
  invite: string;
  asker: Asker;
}

/** The worker that holds the INVITE. */
export interface Asker { workerId: string; epoch: string }

/** The call that an INVITE has become before. */
export interface KnownInboundCall {
  id: string;
  bot_id: string;
  bot_version: number;
  trunk_id: string;
  from_number: string;
  to_number: string;
  variables: Record<string, string>;
  state: string;
  worker_id: string | null;
  worker_epoch: string | null;
  accepted_at: Date;
  /** Who was given the plan last, and when. */
  asker: Asker;
  asked_at: Date;
}

const INVITE_LIFE_MS = 24 * 3600 * 1000;

/** The database side of calls that come in. */
export class InboundRepository {
  constructor(private readonly database: Database) {}

  /** Country of each trunk that is still there. */
  async countries(trunkIds: readonly string[]): Promise<{ id: string; default_country: string | null }[]> {
    return this.database.$queryRaw`SELECT id, default_country FROM trunks WHERE id = ANY(${[...trunkIds]}::text[]) AND deleted_at IS NULL`;
  }

  /** The numbers among `wanted` that belong to one of the trunks, with their bots' present versions. */
  async routes(wanted: readonly { trunkId: string; number: string }[]): Promise<InboundRoute[]> {
    return this.database.$queryRaw<InboundRoute[]>`
      SELECT n.id AS number_id, n.number, n.workspace_id, to_jsonb(t) AS trunk, b.id AS bot_id, v.version, v.config, v.secrets
      FROM jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) AS w("trunkId" text, number text)
      JOIN numbers n ON n.trunk_id = w."trunkId" AND n.number = w.number
      JOIN trunks t ON t.id = n.trunk_id AND t.deleted_at IS NULL
      JOIN bots b ON b.id = n.bot_id AND b.workspace_id = n.workspace_id AND b.deleted_at IS NULL
      JOIN bot_versions v ON v.bot_id = b.id AND v.version = b.current_version`;
  }

  /** Stores the call before its plan is handed out. False: this INVITE is a call already. */
  async accept(call: InboundCall): Promise<boolean> {
    const acceptedAt = new Date(call.acceptedAtMs);
    const expiresAt = new Date(call.acceptedAtMs + INVITE_LIFE_MS);
    return await this.database.$executeRaw`
      WITH held AS (
        INSERT INTO idempotency_keys AS k (workspace_id, key, body_hash, session_id, answer, lease_until, created_at, expires_at)
        VALUES (${call.workspaceId}, ${keyOf(call.invite)}, ${EMPTY}, ${call.id}, ${JSON.stringify(call.asker)}::jsonb, ${expiresAt}, ${acceptedAt}, ${expiresAt})
        ON CONFLICT (workspace_id, key) DO UPDATE SET session_id = EXCLUDED.session_id, answer = EXCLUDED.answer, lease_until = EXCLUDED.lease_until,
          created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at WHERE k.expires_at <= ${acceptedAt}
        RETURNING 1
      )
      INSERT INTO calls (id, workspace_id, bot_id, bot_version, trunk_id, direction, from_number, to_number, caller_id, variables, state, accepted_at, updated_at)
      SELECT ${call.id}, ${call.workspaceId}, ${call.botId}, ${call.botVersion}::int, ${call.trunkId}, 'inbound', ${call.fromNumber}, ${call.toNumber},
        ${call.callerId}, ${JSON.stringify(call.variables)}::jsonb, 'accepted', ${acceptedAt}::timestamptz, ${acceptedAt}::timestamptz
      FROM held` === 1;
  }

  /** What the INVITE became when it was asked about before. */
  async known(workspaceId: string, invite: string): Promise<KnownInboundCall | null> {
    const rows = await this.database.$queryRaw<KnownInboundCall[]>`
      SELECT c.id, c.bot_id, c.bot_version, c.trunk_id, c.from_number, c.to_number, c.variables, c.state, c.worker_id, c.worker_epoch, c.accepted_at,
        k.answer AS asker, k.created_at AS asked_at
      FROM idempotency_keys k JOIN calls c ON c.id = k.session_id AND c.workspace_id = k.workspace_id
      WHERE k.workspace_id = ${workspaceId} AND k.key = ${keyOf(invite)}`;
    return rows[0] ?? null;
  }

  /** Gives the call to another worker. False: it went to a third one meanwhile. */
  async handOver(workspaceId: string, invite: string, from: Asker, to: Asker, nowMs: number): Promise<boolean> {
    return await this.database.$executeRaw`
      UPDATE idempotency_keys SET answer = ${JSON.stringify(to)}::jsonb, created_at = ${new Date(nowMs)}::timestamptz
      WHERE workspace_id = ${workspaceId} AND key = ${keyOf(invite)} AND answer = ${JSON.stringify(from)}::jsonb` === 1;
  }

  /** The version that a call ran, with its secrets. */
  async botVersion(workspaceId: string, botId: string, version: number): Promise<{ config: unknown; secrets: string | null } | null> {
    return this.database.botVersion.findFirst({ where: { workspaceId, botId, version }, select: { config: true, secrets: true } });
  }
}

/** Keys of integrators have no spaces: an INVITE cannot be taken for one. */
const keyOf = (invite: string): string => `inbound ${createHash('sha256').update(invite).digest('hex')}`;
const EMPTY = new Uint8Array(new ArrayBuffer(0));
