import type { CallState, CallTimelineEvent, TimelineEventType } from '@dialfleet/call';
import type { Database } from './database.js';
import { storableJson } from './storable-json.js';

/** How far along a call is (a bridged one is still talking): its row only ever moves up. `ended` is written with the result, in one transaction. */
const progress: Readonly<Record<Exclude<CallState, 'offered' | 'bridged'> | 'accepted', number>> =
  { accepted: 0, dialling: 1, ringing: 2, answered: 3, talking: 4, ending: 5, ended: 6 };
const statesByProgress = Object.keys(progress);

/** Timeline events that move the call's row. */
const stateAfter: Partial<Record<TimelineEventType, keyof typeof progress>> = {
  'call.dialling': 'dialling', 'call.offered': 'ringing', 'call.ringing': 'ringing', 'call.early_media': 'ringing', 'call.answered': 'answered', 'call.talking': 'talking',
  'call.ending': 'ending', 'call.ended': 'ending',
};

/** What a batch of events says about one call. */
export interface CallNews { session_id: string; workspace_id: string; worker_id: string; worker_epoch: string; seq: number; progress: number; answered_at: string | null }

/** One piece of news for each call; of two workers' events the later count. */
export function callNews(events: readonly CallTimelineEvent[]): CallNews[] {
  const news = new Map<string, CallNews>();
  for (const event of [...events].sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || a.seq - b.seq)) {
    const known = news.get(event.sessionId);
    const before = known?.worker_epoch === event.workerEpoch ? known : undefined;
    news.set(event.sessionId, {
      session_id: event.sessionId, workspace_id: event.workspaceId, worker_id: event.workerId, worker_epoch: event.workerEpoch,
      seq: Math.max(event.seq, before?.seq ?? -1), progress: Math.max(progress[stateAfter[event.type] ?? 'accepted'], before?.progress ?? 0),
      answered_at: event.type === 'call.answered' ? event.at : before?.answered_at ?? null,
    });
  }
  return [...news.values()];
}

/** Writes of the timeline as workers publish it: idempotent, and harmless in any order. */
export class PushTimeline {
  constructor(private readonly database: Database) {}

  /** Stores the events and moves their calls' rows on, in one statement; events stored before change nothing. */
  async store(events: readonly CallTimelineEvent[]): Promise<void> {
    if (events.length === 0) return;
    await this.database.$executeRaw`
      WITH stored AS (
        INSERT INTO call_events (event_id, session_id, workspace_id, seq, worker_id, worker_epoch, at, type, data)
        SELECT event_id, session_id, workspace_id, seq, worker_id, worker_epoch, at, type, data
        FROM jsonb_to_recordset(${storableJson(events.map(eventRow))}::jsonb) AS e(event_id text, session_id text, workspace_id text, seq int,
          worker_id text, worker_epoch text, at timestamptz, type text, data jsonb)
        ON CONFLICT (event_id) DO NOTHING
      )
      UPDATE calls c SET
        worker_id = n.worker_id, worker_epoch = n.worker_epoch, last_seq = n.seq,
        state = CASE WHEN c.worker_epoch <> n.worker_epoch OR n.progress >= array_position(${statesByProgress}::text[], c.state) - 1
          THEN (${statesByProgress}::text[])[n.progress + 1] ELSE c.state END,
        answered_at = COALESCE(c.answered_at, n.answered_at), updated_at = now()
      FROM jsonb_to_recordset(${storableJson(callNews(events))}::jsonb) AS n(session_id text, workspace_id text, worker_id text, worker_epoch text,
        seq int, progress int, answered_at timestamptz)
      WHERE c.id = n.session_id AND c.workspace_id = n.workspace_id AND c.state NOT IN ('ended', 'refused')
        AND (c.worker_epoch IS DISTINCT FROM n.worker_epoch OR n.seq > c.last_seq)`;
  }
}

const eventRow = (event: CallTimelineEvent): Record<string, unknown> => ({
  event_id: event.eventId, session_id: event.sessionId, workspace_id: event.workspaceId, seq: event.seq, worker_id: event.workerId,
  worker_epoch: event.workerEpoch, at: event.at, type: event.type, data: event.data,
});
