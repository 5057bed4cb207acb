import { HELD_FOR_MS, statesBefore, type AttemptVerdict } from '@dialfleet/delivery';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { newId } from './ids.js';
import { storableJson, storableText } from './storable-json.js';

/** A delivery leased to this process: nobody else sends it until the lease runs out. */
export interface ClaimedDelivery {
  id: string;
  workspace_id: string;
  session_id: string;
  endpoint_id: string;
  message_id: string;
  event_type: string;
  /** The exact text to sign and send. */
  body: string;
  /** Number of this attempt, from 1. */
  attempt: number;
  /** Proof of the lease: only the latest one may finish. */
  fence: number;
  /** The endpoint's own limit; null: none. */
  per_second: number | null;
  url: string;
  /** Sealed, as are the next four. */
  headers: string | null;
  auth_scheme: string;
  auth: string | null;
  secret: string;
  previous_secret: string | null;
  previous_secret_expires_at: Date | null;
}

export interface ClaimRequest {
  /** At most this many. */
  limit: number;
  /** At most this many of one endpoint at a time, where the endpoint does not say otherwise. */
  perEndpoint: number;
  /** Endpoints to leave alone for now. */
  except: string[];
  leaseMs: number;
  owner: string;
  nowMs: number;
}

/** One attempt as it stands in the delivery's log. */
export interface AttemptRecord {
  startedAtMs: number;
  durationMs: number;
  status: number | null;
  requestHeaders: Record<string, string>;
  responseHeaders: Record<string, string> | null;
  responseBody: string | null;
}

const claimable = statesBefore('claimed');
const disableable = statesBefore('endpointDisabled').filter((state) => state !== 'sending');

/** The queue of deliveries: timers, leases and fences live in the table, so that any number of processes may share it. */
export class PushDeliveries {
  constructor(private readonly database: Database) {}

  /**
   * Leases what is due, oldest first, no endpoint more than its share, and no message before the earlier ones of its
   * session to the same endpoint. A lease that ran out is due again: `next_attempt_at` of a sending delivery is its end.
   */
  claim({ limit, perEndpoint, except, leaseMs, owner, nowMs }: ClaimRequest): Promise<ClaimedDelivery[]> {
    const now = Prisma.sql`${new Date(nowMs)}::timestamptz`;
    const leaseUntil = Prisma.sql`${new Date(nowMs + leaseMs)}::timestamptz`;
    const isDue = (d: string): Prisma.Sql => Prisma.sql`${Prisma.raw(d)}.state = ANY(${claimable}::text[]) AND ${Prisma.raw(d)}.next_attempt_at <= ${now}`;
    return this.database.$queryRaw<ClaimedDelivery[]>`
      WITH due AS (
        SELECT d.id, d.next_attempt_at FROM endpoints e
        CROSS JOIN LATERAL (
          SELECT d.id, d.next_attempt_at FROM deliveries d
          WHERE d.endpoint_id = e.id AND ${isDue('d')} AND NOT EXISTS (
            SELECT 1 FROM deliveries earlier
            WHERE earlier.endpoint_id = d.endpoint_id AND earlier.session_id = d.session_id AND earlier.id < d.id AND earlier.state = ANY(${claimable}::text[]))
          ORDER BY d.next_attempt_at, d.id
          LIMIT LEAST(CEIL((e.rate_limit->>'per_second')::float8)::bigint, GREATEST(0, COALESCE((e.rate_limit->>'concurrency')::bigint, ${perEndpoint}::bigint) - (
            SELECT count(*) FROM deliveries s WHERE s.endpoint_id = e.id AND s.state = 'sending' AND s.next_attempt_at > ${now})))
        ) d
        WHERE e.enabled AND e.deleted_at IS NULL AND NOT e.id = ANY(${except}::text[])
      ), picked AS (
        SELECT d.id FROM deliveries d JOIN due ON due.id = d.id WHERE ${isDue('d')}
        ORDER BY d.next_attempt_at, d.id LIMIT ${limit} FOR UPDATE OF d SKIP LOCKED
      )
      UPDATE deliveries d SET state = 'sending', attempt = d.attempt + 1, fence = d.fence + 1, lease_owner = ${owner}, lease_until = ${leaseUntil},
        next_attempt_at = ${leaseUntil}, updated_at = ${now}
      FROM picked, endpoints e WHERE d.id = picked.id AND e.id = d.endpoint_id
      RETURNING d.id, d.workspace_id, d.session_id, d.endpoint_id, d.message_id, d.event_type, d.body, d.attempt, d.fence,
        (e.rate_limit->>'per_second')::float8 AS per_second, e.url, e.headers, e.auth_scheme, e.auth, e.secret, e.previous_secret, e.previous_secret_expires_at`;
  }

  /** Records the attempt and moves the delivery on, unless its lease was lost; false then. */
  async finish(claimed: ClaimedDelivery, attempt: AttemptRecord, verdict: AttemptVerdict, nowMs: number): Promise<boolean> {
    const error = verdict.error === null ? null : storableText(verdict.error);
    const [{ finished }] = await this.database.$queryRaw<{ finished: number }[]>`
      WITH logged AS (
        INSERT INTO delivery_attempts (id, workspace_id, delivery_id, attempt, fence, started_at, duration_ms, status, error, request_headers, response_headers, response_body)
        VALUES (${newId('attempt')}, ${claimed.workspace_id}, ${claimed.id}, ${claimed.attempt}, ${claimed.fence}, ${new Date(attempt.startedAtMs)}::timestamptz,
          ${attempt.durationMs}, ${attempt.status}, ${error}, ${storableJson(attempt.requestHeaders)}::jsonb,
          ${attempt.responseHeaders && storableJson(attempt.responseHeaders)}::jsonb, ${attempt.responseBody && storableText(attempt.responseBody)})
      ), finished AS (
        UPDATE deliveries SET state = ${verdict.state}, next_attempt_at = ${dateOrNull(verdict.nextAttemptAtMs)}::timestamptz,
          held_until = ${dateOrNull(verdict.heldUntilMs)}::timestamptz, lease_until = NULL, lease_owner = NULL, last_status = ${attempt.status}, last_error = ${error},
          delivered_at = CASE WHEN ${verdict.state} = 'delivered' THEN ${new Date(nowMs)}::timestamptz END, updated_at = ${new Date(nowMs)}::timestamptz
        WHERE id = ${claimed.id} AND fence = ${claimed.fence} AND state = 'sending'
        RETURNING 1
      )
      SELECT count(*)::int AS finished FROM finished`;
    if (verdict.disableEndpoint) await this.disableGone(claimed.endpoint_id, nowMs);
    return finished > 0;
  }

  /** 410: the endpoint is switched off, and what waits for it is held. */
  private async disableGone(endpointId: string, nowMs: number): Promise<void> {
    await this.database.endpoint.updateMany({ where: { id: endpointId, enabled: true }, data: { enabled: false, disabledReason: 'gone', disabledAt: new Date(nowMs) } });
    await this.reconcile(nowMs);
  }

  /**
   * Makes deliveries follow their endpoints: those of disabled ones are held, those of enabled ones released, and what was
   * held for too long or belongs to a deleted endpoint is dead. Idempotent.
   */
  async reconcile(nowMs: number): Promise<void> {
    const now = new Date(nowMs);
    const heldUntil = new Date(nowMs + HELD_FOR_MS);
    await this.database.$executeRaw`
      UPDATE deliveries d SET state = 'held', held_until = ${heldUntil}::timestamptz, next_attempt_at = NULL, updated_at = ${now}::timestamptz
      FROM endpoints e WHERE e.id = d.endpoint_id AND NOT e.enabled AND e.deleted_at IS NULL AND d.state = ANY(${disableable}::text[])`;
    await this.database.$executeRaw`
      UPDATE deliveries d SET state = 'pending', attempt = 0, held_until = NULL, next_attempt_at = ${now}::timestamptz, updated_at = ${now}::timestamptz
      FROM endpoints e WHERE e.id = d.endpoint_id AND e.enabled AND e.deleted_at IS NULL AND d.state = 'held'`;
    await this.database.$executeRaw`
      UPDATE deliveries d SET state = 'dead', held_until = NULL, next_attempt_at = NULL, updated_at = ${now}::timestamptz,
        last_error = CASE WHEN e.deleted_at IS NULL THEN 'held for 30 days' ELSE 'the endpoint was deleted' END
      FROM endpoints e WHERE e.id = d.endpoint_id
        AND ((d.state = 'held' AND d.held_until <= ${now}::timestamptz) OR (e.deleted_at IS NOT NULL AND d.state IN ('pending', 'retry_wait', 'held')))`;
  }
}

const dateOrNull = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
