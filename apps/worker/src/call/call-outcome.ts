import type { BotSettings } from '@dialfleet/bot';
import { customerNumber, type CallOutcome, type CallPlan, type EndCause, type LegMediaStats } from '@dialfleet/call';
import type { PreparedCall } from './call-preparation.js';
import type { WorkerIdentity } from './call-timeline.js';
import { mediaOnWire } from './media-quality.js';
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
  /** Of the call itself; preparation and conversation have their own. */
  warnings: readonly string[];
  transferredTo: string | null;
  /** The same instant on both clocks: turns monotonic readings into wall time. */
  nowWallMs: number;
  nowMs: number;
  startedAtMs: number;
  answeredAtMs: number | null;
  endedAtMs: number;
}

export function buildOutcome(parts: OutcomeParts): CallOutcome {
  const { plan, cause } = parts;
  const wasAnswered = parts.answeredAtMs !== null;
  return {
    sessionId: plan.sessionId, workspaceId: plan.workspaceId, botId: plan.botId, botVersion: plan.botVersion,
    workerId: parts.worker.workerId, workerEpoch: parts.worker.epoch,
    direction: plan.direction, callerId: customerNumber(plan), toNumber: plan.toNumber, fromNumber: plan.fromNumber,
    variables: plan.variables, crm: parts.prepared?.crm ?? plan.variables,
    ...timesOf(parts),
    disconnectedBy: cause.disconnectedBy, hangupReason: cause.hangupReason, sipStatus: cause.sipStatus ?? (wasAnswered ? 200 : null),
    recording: parts.recording,
    media: wasAnswered && parts.media ? mediaOnWire(parts.media) : null,
    wasTransferred: parts.transferredTo !== null, transferredTo: parts.transferredTo,
    ...(parts.summary ?? nothingSaid),
    warnings: [...(parts.prepared?.warnings ?? []), ...parts.warnings, ...(parts.summary?.warnings ?? [])],
  };
}

const nothingSaid: ConversationSummary = { transcript: [], latency: [], usage: {}, notes: { slots: {}, intents: [] }, warnings: [] };

function timesOf({ nowWallMs, nowMs, startedAtMs, answeredAtMs, endedAtMs }: OutcomeParts) {
  const iso = (monotonicMs: number): string => new Date(nowWallMs - (nowMs - monotonicMs)).toISOString();
  return {
    startedAt: iso(startedAtMs),
    answeredAt: answeredAtMs === null ? null : iso(answeredAtMs),
    endedAt: iso(endedAtMs),
    ringDurationSeconds: roundSeconds((answeredAtMs ?? endedAtMs) - startedAtMs),
    callDurationSeconds: answeredAtMs === null ? 0 : roundSeconds(Math.max(0, endedAtMs - answeredAtMs)),
  };
}

const roundSeconds = (ms: number): number => Math.round(ms) / 1000;
