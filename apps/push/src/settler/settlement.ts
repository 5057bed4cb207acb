import type { CallOutcome, HangupReason, TranscriptTurn } from '@dialfleet/call';
import type { OrphanCandidate } from '@dialfleet/database';
import type { WorkerPulse } from './worker-pulse.js';

/** A worker silent for this long is gone, and its calls with it. */
export const WORKER_LOST_AFTER_MS = 10_000;
/** A call that no worker took within this long was never dialled. */
export const NOT_DIALLED_AFTER_MS = 30_000;

/** Why the call must be closed now; null while it may still end by itself. Times: wall clock for the call, monotonic for the pulse. */
export function settlementReason(call: OrphanCandidate, pulse: WorkerPulse, wallMs: number, monotonicMs: number): HangupReason | null {
  if (call.workerId === null) {
    const waited = Math.min(wallMs - call.acceptedAtMs, pulse.listeningForMs(monotonicMs));
    if (waited < NOT_DIALLED_AFTER_MS) return null;
    return call.direction === 'inbound' ? 'not_taken' : 'not_dialled';
  }
  const quiet = wallMs - call.lastNewsMs >= WORKER_LOST_AFTER_MS;
  return quiet && pulse.silentForMs(call.workerId, call.workerEpoch, monotonicMs) >= WORKER_LOST_AFTER_MS ? 'worker_lost' : null;
}

export interface SurvivingEvent { at: Date; type: string; data: Record<string, unknown> }
/** The recording as found; null: none was found. */
export type SurvivingRecording = CallOutcome['recording'] | null;

const inPlainWords: Partial<Record<HangupReason, string>> = {
  not_dialled: 'No worker took the call: it was never dialled.',
  not_taken: 'The worker that asked about the call never took it: the caller was turned away.',
};

/** The story of a call as far as it was told: what the timeline holds, ended at its last line. */
export function lostOutcome(call: OrphanCandidate, reason: HangupReason, events: readonly SurvivingEvent[], recording: SurvivingRecording, nowMs: number): CallOutcome {
  const answeredAtMs = call.answeredAtMs;
  const endedAtMs = reason in inPlainWords ? nowMs : Math.max(answeredAtMs ?? call.acceptedAtMs, ...events.map(({ at }) => at.getTime()));
  return {
    sessionId: call.sessionId, workspaceId: call.workspaceId, botId: call.botId, botVersion: call.botVersion,
    workerId: call.workerId ?? '', workerEpoch: call.workerEpoch ?? '', direction: call.direction === 'inbound' ? 'inbound' : 'outbound',
    callerId: call.callerId, toNumber: call.toNumber, fromNumber: call.fromNumber, variables: call.variables, crm: call.variables,
    startedAt: iso(call.acceptedAtMs), answeredAt: answeredAtMs === null ? null : iso(answeredAtMs), endedAt: iso(endedAtMs),
    ringDurationSeconds: answeredAtMs === null ? null : seconds(answeredAtMs - call.acceptedAtMs),
    callDurationSeconds: answeredAtMs === null ? 0 : seconds(endedAtMs - answeredAtMs),
    disconnectedBy: 'error', hangupReason: reason, sipStatus: answeredAtMs === null ? null : 200,
    transcript: answeredAtMs === null ? [] : transcriptOf(events, answeredAtMs),
    recording: recording ?? { status: answeredAtMs === null ? 'none' : 'lost', key: null, durationSeconds: null },
    latency: [], usage: {}, media: null, wasTransferred: false, transferredTo: null, notes: { slots: {}, intents: [] },
    warnings: [inPlainWords[reason] ?? 'The worker was lost during the call: this is what was known of it.'],
  };
}

function transcriptOf(events: readonly SurvivingEvent[], answeredAtMs: number): TranscriptTurn[] {
  return events.flatMap(({ at, type, data }) => {
    if ((type !== 'turn.bot' && type !== 'turn.customer') || typeof data['text'] !== 'string') return [];
    const offsetMs = typeof data['offset_ms'] === 'number' ? data['offset_ms'] : Math.max(0, at.getTime() - answeredAtMs);
    return [{ speaker: type === 'turn.bot' ? 'bot' as const : 'customer' as const, text: data['text'], timestamp: iso(answeredAtMs + offsetMs), offsetMs }];
  });
}

const iso = (ms: number): string => new Date(ms).toISOString();
const seconds = (ms: number): number => Math.max(0, Math.round(ms)) / 1000;
