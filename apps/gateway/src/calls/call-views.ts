import type { LadderLine } from '@dialfleet/call';
import type { CallSummary, TimelineEventView } from '@dialfleet/contracts';
import type { CallModel, CallRow, TimelineRow } from '@dialfleet/database';

export const callSummary = (row: CallRow): CallSummary => ({
  session_id: row.id, status: row.state, bot_id: row.bot_id, bot_version: row.bot_version, direction: row.direction, caller_id: row.caller_id,
  from_number: row.from_number, to_number: row.to_number, variables: row.variables, accepted_at: row.accepted_at.toISOString(),
  answered_at: row.answered_at?.toISOString() ?? null, ended_at: row.ended_at?.toISOString() ?? null, call_duration_seconds: row.duration_seconds,
  disconnected_by: row.disconnected_by, hangup_reason: row.hangup_reason, sip_status: row.sip_status,
});

export const callState = (call: CallModel): CallSummary => callSummary({
  id: call.id, bot_id: call.botId, bot_version: call.botVersion, direction: call.direction, from_number: call.fromNumber, to_number: call.toNumber,
  caller_id: call.callerId, variables: call.variables as Record<string, string>, state: call.state, accepted_at: call.acceptedAt, answered_at: call.answeredAt,
  ended_at: call.endedAt, duration_seconds: call.durationSeconds, disconnected_by: call.disconnectedBy, hangup_reason: call.hangupReason, sip_status: call.sipStatus,
  recording_status: call.recordingStatus,
});

export const eventView = (row: TimelineRow): TimelineEventView => ({ seq: row.seq, at: row.at.toISOString(), type: row.type, data: (row.data ?? {}) as Record<string, unknown> });

/** The SIP messages among the events of a call. */
export const ladderOf = (events: readonly Pick<TimelineRow, 'type' | 'data'>[]): LadderLine[] =>
  events.flatMap(({ type, data }) => (type === 'sip.ladder' ? (data as { messages?: LadderLine[] } | null)?.messages ?? [] : []));

/** How the call ended, and what was said of it; undefined while it runs. */
export function endingOf(events: readonly Pick<TimelineRow, 'type' | 'data'>[]): string | undefined {
  const data = events.find(({ type }) => type === 'call.ending')?.data as { disconnected_by?: string; hangup_reason?: string; sip_status?: number | null; detail?: string } | null | undefined;
  if (!data) return undefined;
  const { disconnected_by: by, hangup_reason: reason, sip_status: status, detail } = data;
  const how = [by, reason, status ? `status ${status}` : undefined].filter(Boolean).join(', ');
  return detail === undefined ? how : `${how}: ${detail}`;
}
