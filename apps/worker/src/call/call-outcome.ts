import type { BotSettings } from '@dialfleet/bot';
import type { CallOutcome, CallPlan, EndCause, LegMediaStats } from '@dialfleet/call';
import type { PreparedCall } from './call-preparation.js';
import type { WorkerIdentity } from './call-timeline.js';
import type { ConversationSummary } from './pipeline.js';
import type { ShelvedRecording } from './recording-shelf.js';

export interface OutcomeParts {
  plan: CallPlan<BotSettings>;
  worker: WorkerIdentity;
  cause: EndCause;
  media: LegMediaStats | undefined;
  summary: ConversationSummary | undefined;
  prepared: PreparedCall | undefined;
  recording: ShelvedRecording;
  transferredTo: string | null;
  /** The same instant on both clocks: turns monotonic readings into wall time. */
  nowWallMs: number;
  nowMs: number;
  startedAtMs: number;
  answeredAtMs: number | null;
  endedAtMs: number;
}

export function buildOutcome(parts: OutcomeParts): CallOutcome {
  const { plan, summary, cause, answeredAtMs } = parts;
  const iso = (monotonicMs: number): string => new Date(parts.nowWallMs - (parts.nowMs - monotonicMs)).toISOString();
  return {
    sessionId: plan.sessionId, workspaceId: plan.workspaceId, botId: plan.botId, botVersion: plan.botVersion,
    workerId: parts.worker.workerId, workerEpoch: parts.worker.epoch,
    direction: plan.direction, callerId: plan.toNumber, toNumber: plan.toNumber, fromNumber: plan.fromNumber,
    variables: plan.variables, crm: parts.prepared?.crm ?? plan.variables,
    startedAt: iso(parts.startedAtMs),
    answeredAt: answeredAtMs === null ? null : iso(answeredAtMs),
    endedAt: iso(parts.endedAtMs),
    ringDurationSeconds: roundSeconds((answeredAtMs ?? parts.endedAtMs) - parts.startedAtMs),
    callDurationSeconds: answeredAtMs === null ? 0 : roundSeconds(Math.max(0, parts.endedAtMs - answeredAtMs)),
    disconnectedBy: cause.disconnectedBy, hangupReason: cause.hangupReason,
    sipStatus: cause.sipStatus ?? (answeredAtMs === null ? null : 200),
    transcript: summary?.transcript ?? [],
    recording: parts.recording,
    latency: summary?.latency ?? [],
    usage: summary?.usage ?? {},
    media: answeredAtMs === null || !parts.media ? null : mediaOnWire(parts.media),
    wasTransferred: parts.transferredTo !== null, transferredTo: parts.transferredTo,
    notes: summary?.notes ?? { slots: {}, intents: [] },
    warnings: [...(parts.prepared?.warnings ?? []), ...(summary?.warnings ?? [])],
  };
}

const roundSeconds = (ms: number): number => Math.round(ms) / 1000;

const mediaOnWire = (stats: LegMediaStats): Record<string, number> => ({
  packets_sent: stats.packetsSent, packets_received: stats.packetsReceived, packets_lost: stats.packetsLost,
  packets_late_or_duplicate: stats.packetsLateOrDuplicate, jitter_ms: Math.round(stats.jitterMs * 10) / 10, packets_foreign: stats.packetsForeign,
});
