import type { BotScript } from '@dialfleet/bot';
import type { BrainNotes } from '@dialfleet/call';

/** 16 bit linear PCM, mono. */
export type Pcm = Int16Array;

export type SttEvent =
  | { type: 'interim'; text: string }
  /** The words of the turn that `endOfTurn()` closed (or, for vendors that endpoint by themselves, of the utterance). Empty: nothing intelligible. */
  | { type: 'final'; text: string; confidence: number | null; tookMs: number };

export interface SttStream extends AsyncIterable<SttEvent> {
  push(frame: Pcm): void;
  /** Likely answers to what the bot asked last; a recogniser with `caps.hints` leans towards them. */
  setHints(hints: readonly string[]): void;
  /** What was pushed so far is one turn: recognise it, emit one `final`. */
  endOfTurn(): void;
  /** Drops audio that belongs to no turn (noise between turns). */
  discard(): void;
  close(): Promise<void>;
}

export interface SttVendor {
  readonly caps: { streaming: boolean; interim: boolean; hints: boolean; endpointing: boolean; languages: readonly string[] };
  open(options: { sampleRateHz: number; language: string; hints?: readonly string[]; signal: AbortSignal }): SttStream;
}

export interface TtsVendor {
  readonly caps: { textStreaming: boolean; sampleRatesHz: readonly number[]; voices: readonly string[] };
  /** Speaks the text as it comes; yields PCM at `sampleRateHz`. Ends early, without error, when `signal` aborts. */
  speak(text: AsyncIterable<string>, options: { voice: string; language: string; sampleRateHz: number; signal: AbortSignal }): AsyncIterable<Pcm>;
}

export interface ChatMessage { role: 'system' | 'user' | 'assistant'; content: string; /** The customer did not hear all of it. */ interrupted?: boolean }

/** What a brain sends while it answers. `text` deltas are spoken as they come. */
export type LlmDelta =
  | { type: 'text'; text: string }
  /** Likely answers to what is being asked (for the recogniser); `long`: spoken in groups, like a telephone number. */
  | { type: 'expect'; hints: readonly string[]; answer?: 'short' | 'long' }
  | { type: 'tool'; name: 'end_call' }
  | { type: 'tool'; name: 'transfer_call'; target: string };

/** One conversation with a brain: it keeps its own state between turns. */
export interface LlmConversation {
  /**
   * The customer's turn → the bot's. `messages` is the history as heard, the customer's new turn last. A reply that
   * nobody heard is asked for again with the customer's words so far: the same number of user messages, so a brain
   * with state goes back to where it was. With no message from the user the brain opens the conversation.
   */
  reply(options: { messages: readonly ChatMessage[]; signal: AbortSignal }): AsyncIterable<LlmDelta>;
  /**
   * What to expect after the opening message, before the customer has spoken. `text`: said right after the opening
   * message; `endCall`: and that is all (an announcement).
   */
  opening(): { hints: readonly string[]; answer?: 'short' | 'long'; text?: string; endCall?: boolean };
  notes(): BrainNotes;
}

export interface ConversationSetup {
  /** Rendered, like the next: what stands in them is never expanded again. */
  systemPrompt: string;
  openingMessage: string;
  script: BotScript | null;
  language: string;
  timezone: string;
  /** Fills `{{…}}` of script texts with call data; slots come as the `slot` namespace. */
  render(template: string, slots: Record<string, unknown>): string;
  nowMs(): number;
}

export interface ExtractRequest {
  transcript: readonly { speaker: 'bot' | 'customer'; text: string }[];
  notes: BrainNotes;
  prompt: string;
  /** JSON schema of the wanted object, when the bot has one. */
  schema: Record<string, unknown> | null;
  signal: AbortSignal;
}

export interface LlmVendor {
  converse(setup: ConversationSetup): LlmConversation;
  /** Post-call analysis. */
  extract(request: ExtractRequest): Promise<Record<string, unknown>>;
}

/** Voice activity of one call. */
export interface VadStream {
  /** Any number of samples; calls back with a probability 0..1 for each window completed. */
  push(frame: Pcm): void;
  close(): void;
}

export interface VadVendor {
  readonly windowMs: number;
  open(options: { sampleRateHz: 8000 | 16000; onWindow: (probability: number) => void }): VadStream;
}
