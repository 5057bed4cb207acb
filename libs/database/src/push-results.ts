import type { CallOutcome, CallResult } from '@dialfleet/call';
import { HELD_FOR_MS, messageId } from '@dialfleet/delivery';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { newId } from './ids.js';
import { storableJson, storableText } from './storable-json.js';

/** An endpoint as the mapping of a result needs it. */
export interface ResultEndpoint { id: string; kind: string; mapper: unknown; enabled: boolean }

/** The bot version that the call ran, as stored. */
export interface StoredBotVersion { config: unknown; /** Sealed. */ secrets: string | null }

export interface KnownCall {
  state: string;
  botVersion: StoredBotVersion | null;
  endpoints: ResultEndpoint[];
  events: CallResult['events'];
  stored: StoredResult | null;
}

/** The result that is there already; `outcome` is null when the settler wrote it. */
export interface StoredResult { outcome: CallOutcome | null; amended: boolean }

/** One frozen message to one endpoint. */
export interface FrozenDelivery { endpoint: ResultEndpoint; body: string; unresolved: string[] }

export interface ResultToSave {
  /** What the call's row is brought to. `workerId` is empty where no worker took the call. */
  outcome: CallOutcome;
  result: CallResult;
  deliveries: FrozenDelivery[];
  /** The settler's own: the real outcome may still come and amend it. */
  settled: boolean;
  nowMs: number;
}

/**
 * A result is made of many events at most; the timeline itself keeps all. The SIP messages stay there: a CRM has no use for
 * them.
 */
const MAX_EVENTS = 500;

export class PushResults {
  constructor(private readonly database: Database) {}

  /** What the database knows about the call that an outcome names; null when there is no such call. */
  async find(outcome: Pick<CallOutcome, 'sessionId' | 'workspaceId' | 'botId' | 'botVersion'>): Promise<KnownCall | null> {
    const { sessionId, workspaceId, botId, botVersion } = outcome;
    const [call, version, endpoints, events] = await Promise.all([
      this.database.call.findFirst({ where: { id: sessionId, workspaceId }, select: { state: true, result: { select: { outcome: true, amendedAt: true } } } }),
      this.database.botVersion.findFirst({ where: { botId, version: botVersion, workspaceId }, select: { config: true, secrets: true } }),
      this.database.endpoint.findMany({ where: { botId, workspaceId, deletedAt: null }, orderBy: { id: 'asc' }, select: { id: true, kind: true, mapper: true, enabled: true } }),
      this.database.callEvent.findMany({ where: { sessionId, workspaceId, type: { not: 'sip.ladder' } }, orderBy: { seq: 'asc' }, take: MAX_EVENTS, select: { at: true, type: true, data: true } }),
    ]);
    if (!call) return null;
    return {
      state: call.state, botVersion: version, endpoints,
      events: events.map(({ at, type, data }) => ({ at: at.toISOString(), type, data: data as Record<string, unknown> })),
      stored: call.result ? { outcome: call.result.outcome as unknown as CallOutcome | null, amended: call.result.amendedAt !== null } : null,
    };
  }

  /**
   * Stores the call's one result with its deliveries and ends its row, in one transaction. False: another process stored
   * one in between; nothing was changed.
   */
  async save(save: ResultToSave): Promise<boolean> {
    const { outcome, result } = save;
    return this.database.$transaction(async (tx) => {
      const inserted = await tx.$executeRaw`
        INSERT INTO call_results (session_id, workspace_id, bot_id, result, outcome, analysis_status)
        VALUES (${outcome.sessionId}, ${outcome.workspaceId}, ${outcome.botId}, ${storableJson(result)}::jsonb,
          ${save.settled ? null : storableJson(outcome)}::jsonb, ${result.analysis_status})
        ON CONFLICT (session_id) DO NOTHING`;
      if (inserted === 0) return false;
      await endCall(tx, outcome);
      await createDeliveries(tx, save, 'call.result', 0);
      return true;
    });
  }

  /** Puts a better outcome in place of the stored one; the endpoints hear of it in a message of its own. */
  async amend(save: ResultToSave): Promise<boolean> {
    const { outcome, result } = save;
    return this.database.$transaction(async (tx) => {
      const amended = await tx.$executeRaw`
        UPDATE call_results SET result = ${storableJson(result)}::jsonb, outcome = ${storableJson(outcome)}::jsonb,
          analysis_status = ${result.analysis_status}, amended_at = ${new Date(save.nowMs)}::timestamptz
        WHERE session_id = ${outcome.sessionId} AND workspace_id = ${outcome.workspaceId} AND amended_at IS NULL`;
      if (amended === 0) return false;
      await endCall(tx, outcome);
      await createDeliveries(tx, save, 'call.result.amended', 1);
      return true;
    });
  }
}

async function endCall(tx: Prisma.TransactionClient, outcome: CallOutcome): Promise<void> {
  await tx.call.updateMany({
    where: { id: outcome.sessionId, workspaceId: outcome.workspaceId },
    data: {
      state: 'ended', ...(outcome.workerId === '' ? {} : { workerId: outcome.workerId, workerEpoch: outcome.workerEpoch }),
      answeredAt: outcome.answeredAt, endedAt: outcome.endedAt, durationSeconds: outcome.callDurationSeconds,
      disconnectedBy: outcome.disconnectedBy, hangupReason: outcome.hangupReason, sipStatus: outcome.sipStatus,
      recordingKey: outcome.recording.key, recordingStatus: outcome.recording.status,
    },
  });
}

async function createDeliveries(tx: Prisma.TransactionClient, { outcome, deliveries, nowMs }: ResultToSave, eventType: string, amendment: number): Promise<void> {
  if (deliveries.length === 0) return;
  await tx.delivery.createMany({
    data: deliveries.map(({ endpoint, body, unresolved }) => ({
      id: newId('delivery'), workspaceId: outcome.workspaceId, sessionId: outcome.sessionId, endpointId: endpoint.id, botId: outcome.botId,
      messageId: messageId(outcome.sessionId, endpoint.id, amendment), eventType, body: storableText(body), unresolved,
      ...(endpoint.enabled ? { state: 'pending', nextAttemptAt: new Date(nowMs) } : { state: 'held', heldUntil: new Date(nowMs + HELD_FOR_MS) }),
    })),
    skipDuplicates: true,
  });
}
