import type { CallOutcome, RecordingStatus, TurnLatency } from './call-plan.js';
import type { DisconnectedBy } from './disconnected-by.js';

/** The call result as webhooks, pushes and REST carry it: the public wire shape, hence snake_case. */
export interface CallResult {
  session_id: string;
  caller_id: string;
  /** Answer to end; 0 when never answered. */
  call_duration_seconds: number;
  disconnected_by: DisconnectedBy;
  transcript: { speaker: 'bot' | 'customer'; text: string; timestamp: string; offset_ms: number; interrupted: boolean }[];
  recording_url: string | null;
  post_call_analysis: Record<string, unknown> | null;
  bot_id: string;
  bot_version: number;
  direction: 'outbound' | 'inbound';
  from_number: string;
  to_number: string;
  variables: Record<string, string>;
  started_at: string;
  answered_at: string | null;
  ended_at: string;
  ring_duration_seconds: number | null;
  sip_status: number | null;
  hangup_reason: string;
  recording_status: RecordingStatus;
  analysis_status: AnalysisStatus;
  events: { at: string; type: string; data: Record<string, unknown> }[];
  latency: Record<string, number | null>[];
  usage: Record<string, number>;
  media: CallOutcome['media'];
  was_transferred: boolean;
  transferred_to: string | null;
  warnings: string[];
}

export type AnalysisStatus = 'ok' | 'skipped' | 'failed';

export interface ResultExtras {
  recordingUrl: string | null;
  analysis: Record<string, unknown> | null;
  analysisStatus: AnalysisStatus;
  events: CallResult['events'];
}

/** Calls whose analysis would say nothing: see contract §8. */
export function analysisIsDue(outcome: CallOutcome): boolean {
  return !['error', 'voicemail', 'RNR'].includes(outcome.disconnectedBy)
    && outcome.callDurationSeconds >= 5
    && outcome.transcript.some((turn) => turn.speaker === 'customer' && turn.text.trim() !== '');
}

export function callResult(outcome: CallOutcome, extras: ResultExtras): CallResult {
  return {
    session_id: outcome.sessionId,
    caller_id: outcome.callerId,
    call_duration_seconds: outcome.callDurationSeconds,
    disconnected_by: outcome.disconnectedBy,
    transcript: outcome.transcript.map((turn) => ({
      speaker: turn.speaker, text: turn.text, timestamp: turn.timestamp, offset_ms: turn.offsetMs, interrupted: turn.interrupted ?? false,
    })),
    recording_url: extras.recordingUrl,
    post_call_analysis: extras.analysis,
    bot_id: outcome.botId,
    bot_version: outcome.botVersion,
    direction: outcome.direction,
    from_number: outcome.fromNumber,
    to_number: outcome.toNumber,
    variables: outcome.variables,
    started_at: outcome.startedAt,
    answered_at: outcome.answeredAt,
    ended_at: outcome.endedAt,
    ring_duration_seconds: outcome.ringDurationSeconds,
    sip_status: outcome.sipStatus,
    hangup_reason: outcome.hangupReason,
    recording_status: outcome.recording.status,
    analysis_status: extras.analysisStatus,
    events: extras.events,
    latency: outcome.latency.map(turnLatencyOnWire),
    usage: outcome.usage,
    media: outcome.media,
    was_transferred: outcome.wasTransferred,
    transferred_to: outcome.transferredTo,
    warnings: outcome.warnings,
  };
}

const turnLatencyOnWire = (turn: TurnLatency): Record<string, number | null> => ({
  turn: turn.turn, endpointing_ms: turn.endpointingMs, stt_ms: turn.sttMs, llm_first_token_ms: turn.llmFirstTokenMs,
  tts_first_byte_ms: turn.ttsFirstByteMs, playout_ms: turn.playoutMs, total_ms: turn.totalMs,
});
