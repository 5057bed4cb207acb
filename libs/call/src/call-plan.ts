import type { HangupReason } from './disconnected-by.js';

export type SipTransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
export const CODEC_NAMES = ['PCMU', 'PCMA', 'G722', 'opus'] as const;
export type CodecName = (typeof CODEC_NAMES)[number];

export type SrtpPolicy = 'off' | 'optional' | 'required';
/** How the caller id is asserted besides From (RFC 3325; Remote-Party-ID is its forerunner that some PBXs still read). */
export type IdentityHeader = 'none' | 'p_asserted_identity' | 'p_preferred_identity' | 'remote_party_id';

/** TLS towards a trunk; everything is PEM text. The server's certificate is always verified. */
export interface TrunkTls {
  /** Name to verify and to send as SNI; default: the trunk's host. */
  serverName?: string;
  /** Authorities to trust instead of the system's. */
  ca?: string;
  /** Shown when the server asks for one. */
  certificate?: string;
  key?: string;
}

/** What a trunk makes of a number; see `readTransferTarget`. */
export interface TrunkDialling {
  /** With `{e164}`, `{digits}` or `{national}`. */
  format: string;
  /** Empty: every destination. */
  allowedPrefixes: string[];
  /** ISO 3166-1 alpha-2, for numbers without `+`. */
  defaultCountry?: string;
  allowSipUser?: boolean;
}

/** The trunk as a worker needs it. Secrets travel only inside the claim and the trunk directory. */
export interface TrunkPlan {
  trunkId: string;
  /** Name, IPv4 or IPv6 address (without brackets). */
  host: string;
  /** Absent: found by NAPTR and SRV (RFC 3263), else the transport's default. */
  port?: number;
  transport: SipTransportName;
  username?: string;
  password?: string;
  /** Host part of From; default: the worker's advertised address. */
  fromDomain?: string;
  codecs: CodecName[];
  /** Default `off`. */
  srtp?: SrtpPolicy;
  /** `host`, `host:port` or `[v6]:port`: every request goes there (RFC 3261 §8.1.2), the request URI keeps the trunk's host. */
  outboundProxy?: string;
  /** Default `none`. */
  identityHeader?: IdentityHeader;
  /** The caller id is withheld: anonymous From and `Privacy: id` (RFC 3323, RFC 3325). */
  privacy?: boolean;
  tls?: TrunkTls;
  /** Of the WebSocket handshake (RFC 7118); default `/`. */
  wsPath?: string;
  /** A request too large for UDP goes over TCP (RFC 3261 §18.1.1); default true. */
  tcpForLargeRequests?: boolean;
  /** Hosts that a 3xx may send a call to; the trunk's own always may. */
  redirectHosts?: string[];
  /** How numbers that a transfer names are read, and which of them may be called; default: as written, and all. */
  dialling?: TrunkDialling;
  /** A REFER from the far end is carried out; default: refused. */
  allowRefer?: boolean;
  /** Wanted session interval (RFC 4028); 0: no session timer. Default 1800. */
  sessionExpiresSeconds?: number;
  /** Reliable provisional responses (RFC 3262): default `supported`. */
  reliableProvisional?: 'off' | 'supported' | 'required';
  /** Between keep-alives on an idle flow: CRLF, or OPTIONS over UDP. 0: none; default 30. */
  keepAliveSeconds?: number;
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
  /** Inbound outside the bot's hours: this text is said, and the bot hangs up. */
  announcement?: string;
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
  /** Packet counts, codec, quality (LegMediaStats), null when media never opened. */
  media: Record<string, number | string | boolean | null> | null;
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
  'call.offered', 'transfer.started', 'transfer.progress', 'transfer.bridged', 'transfer.finished', 'transfer.failed', 'sip.ladder',
] as const;
export type TimelineEventType = (typeof timelineEventTypes)[number];
