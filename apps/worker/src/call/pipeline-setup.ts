import type { BotSettings } from '@dialfleet/bot';
import type { BrainNotes, CallEvent, CallLeg, TimelineEventType, TranscriptTurn, TurnLatency } from '@dialfleet/call';
import type { LlmConversation, Pcm, SttVendor, TtsVendor, VadVendor } from '@dialfleet/conversation';
import type { Clock, Logger } from '@dialfleet/kit';

export interface PipelineSetup {
  leg: CallLeg;
  settings: BotSettings;
  stt: SttVendor;
  tts: TtsVendor;
  vad: VadVendor;
  brain: LlmConversation;
  /** Rendered. Empty: the brain opens the conversation. */
  openingText: string;
  /** The opening's audio, made while the phone rang; null: synthesise it now. */
  greeting: Promise<Pcm | null>;
  /** Left on an answering machine, rendered; default: the bot's setting as it is. */
  voicemailText?: string;
  /** Monotonic. */
  answeredAtMs: number;
  /** The far end may be an answering machine: we called. */
  mayBeMachine: boolean;
  clock: Clock;
  logger: Logger;
  onEvent(type: TimelineEventType, data: Record<string, unknown>): void;
  /** How the call should end (once); also `humanDetected`, which ends nothing. */
  onEnd(event: CallEvent): void;
}

export interface ConversationSummary {
  transcript: TranscriptTurn[];
  latency: TurnLatency[];
  notes: BrainNotes;
  usage: Record<string, number>;
  /** What went wrong and was survived, in plain words. */
  warnings: string[];
}
