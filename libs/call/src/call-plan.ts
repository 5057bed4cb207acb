import type { HangupReason } from './disconnected-by.js';

export type SipTransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
export type CodecName = 'PCMU' | 'PCMA' | 'G722' | 'opus';

/** The trunk as a worker needs it. The password travels only inside the claim. */
export interface TrunkPlan {
  trunkId: string;
  host: string;
  port: number;
  transport: SipTransportName;
  username?: string;
  password?: string;
  /** Host part of From; default: the worker's advertised address. */
  fromDomain?: string;
  codecs: CodecName[];
}

/**
 * Everything a worker needs to place and hold one call: no worker reads a database. `Settings` is the bot's immutable
 * version (BotSettings of @dialfleet/bot).
 */
export interface CallPlan<Settings = unknown> {
  sessionId: string;
  workspaceId: string;
  botId: string;
  botVersion: number;
  bot: Settings;
  direction: 'outbound' | 'inbound';
  trunk: TrunkPlan;
  /** E.164 (or a SIP user of a test trunk). */
  toNumber: string;
  fromNumber: string;
  /** User part of the request URI: `toNumber` through the trunk's dial format. */
  dialUser: string;
  /** Dialout variables, stringified. */
  variables: Record<string, string>;
  ringTimeoutMs: number;
  maxDurationMs: number;
  record: boolean;
  /** ISO 8601. */
  acceptedAt: string;
  /** Unix ms: a worker that reads the claim later than this discards it. */
  claimDeadlineMs: number;
}

export type SpeakerRole = 'bot' | 'customer';

export interface TranscriptTurn {
  speaker: SpeakerRole;
  text: string;
  /** ISO 8601 at the start of the utterance. */
  timestamp: string;
  /** From answer to the start of the utterance. */
  offsetMs: number;
  /** The bot was cut short; `text` holds what was heard. */
  interrupted?: boolean;
}

/** One customer turn and the bot's reply: where the time went, in ms. Null where a stage did not run. */
export interface TurnLatency {
  turn: number;
  /** Last voiced sample → the turn was declared over. */
  endpointingMs: number | null;
  /** Turn over → final text. */
  sttMs: number | null;
  llmFirstTokenMs: number | null;
  ttsFirstByteMs: number | null;
  /** TTS first audio → first packet out. */
  playoutMs: number | null;
  /** Last voiced sample → first packet out: what the customer feels. */
  totalMs: number | null;
}

/** What the script brain knows at the end: the rule-based analysis reads it. */
export interface BrainNotes {
  /** Slots filled, by name: text, number or boolean. */
  slots: Record<string, string | number | boolean>;
  /** Intents heard, in order. */
  intents: string[];
  /** Set by the script: e.g. `callback_requested`. */
  disposition?: string;
}

export type RecordingStatus = 'ready' | 'partial' | 'none' | 'lost';

/** The complete story of one call, published once as `call.ended.<session_id>`. Times are ISO 8601. */
export interface CallOutcome {
  sessionId: string;
  workspaceId: string;
  botId: string;
  botVersion: number;
  workerId: string;
  workerEpoch: string;
  direction: 'outbound' | 'inbound';
  callerId: string;
  toNumber: string;
  fromNumber: string;
  variables: Record<string, string>;
  /** `crm.*` as the call saw it: variables with the pre-fetch over them, whose values keep their JSON types. */
  crm: Record<string, unknown>;
  startedAt: string;
  answeredAt: string | null;
  endedAt: string;
  ringDurationSeconds: number | null;
  callDurationSeconds: number;
  disconnectedBy: 'bot' | 'customer' | 'voicemail' | 'RNR' | 'timeout' | 'error';
  hangupReason: HangupReason;
  sipStatus: number | null;
  transcript: TranscriptTurn[];
  recording: { status: RecordingStatus; key: string | null; durationSeconds: number | null };
  latency: TurnLatency[];
  usage: Record<string, number>;
  /** Packet counts and the like (LegMediaStats), null when media never opened. */
  media: Record<string, number> | null;
  wasTransferred: boolean;
  transferredTo: string | null;
  notes: BrainNotes;
  /** Unresolved template paths and similar, in plain words. */
  warnings: string[];
}

/** One line of the call's timeline, published as `call.event.<session_id>`; `data` is on the wire: snake_case. */
export interface CallTimelineEvent {
  /** `<session_id>:<seq>`; also the Nats-Msg-Id. */
  eventId: string;
  sessionId: string;
  workspaceId: string;
  workerId: string;
  workerEpoch: string;
  seq: number;
  /** ISO 8601. */
  at: string;
  type: TimelineEventType;
  data: Record<string, unknown>;
}

export const timelineEventTypes = [
  'call.accepted', 'call.dialling', 'call.ringing', 'call.early_media', 'call.answered', 'call.talking', 'call.ending', 'call.ended',
  'greeting.ready', 'prefetch.finished', 'turn.customer', 'turn.bot', 'turn.interrupted', 'machine.detected', 'dtmf.received', 'dtmf.sent',
  'silence.prompted', 'tool.called', 'hangup.requested', 'recording.finished', 'warning',
] as const;
export type TimelineEventType = (typeof timelineEventTypes)[number];
