import type { TimelineEventType, TranscriptTurn, TurnLatency } from '@dialfleet/call';
import type { ChatMessage } from '@dialfleet/conversation';
import { latencyOf } from './pipeline-latency.js';
import { utteranceSamples, utteranceText, type Utterance } from './pipeline-utterance.js';

interface Entry {
  speaker: 'bot' | 'customer';
  text: string;
  startedMs: number;
  interrupted: boolean;
  /** Said over the bot and answered by nobody: in the transcript, not in the history. */
  aside: boolean;
}

/** Who said what and when, as it was heard: the transcript, the history that the brain is given, and the live events. */
export class ConversationRecord {
  readonly warnings: string[] = [];
  private readonly latency: TurnLatency[] = [];
  private readonly usage: Record<string, number> = {};
  private readonly entries: Entry[] = [];
  private readonly announced = new Set<string>();

  /** `answeredMs` (monotonic) and `answeredWallMs` (Unix) are the same instant. */
  constructor(
    private readonly answeredMs: number, private readonly answeredWallMs: number,
    private readonly onEvent: (type: TimelineEventType, data: Record<string, unknown>) => void,
  ) {}

  /** The bot is saying this: told at once, corrected by `bot` when it is cut short. */
  botWorded(utterance: Utterance): void { this.announce(utterance, utteranceText(utterance)); }

  /** The bot has said this, or as much of it as was heard; nothing heard leaves no trace. */
  bot(utterance: Utterance, heard: string, interrupted: boolean): void {
    if (utterance.startedMs === null) return;
    this.count('tts_characters', utteranceText(utterance).length);
    this.count('tts_audio_seconds', utteranceSamples(utterance) / 8000);
    if (utterance.marks.firstTokenMs !== undefined) this.latency.push(latencyOf(this.latency.length + 1, utterance.marks));
    const startedMs = startOf(utterance);
    if (heard !== '') this.entries.push({ speaker: 'bot', text: heard, startedMs, interrupted, aside: false });
    this.announce(utterance, heard);
    if (interrupted) this.onEvent('turn.interrupted', { text: heard, offset_ms: this.offsetMs(startedMs) });
  }

  /** A turn of the customer; the same start as before means that the customer went on, and replaces that turn. */
  customer(text: string, startedMs: number): void {
    const before = this.entries.findLastIndex((entry) => entry.speaker === 'customer' && !entry.aside && entry.startedMs === startedMs);
    if (before >= 0) this.entries.splice(before, 1);
    this.hear(text, startedMs, false);
  }

  /** Said over the bot and no turn of its own. */
  aside(text: string, startedMs: number): void { this.hear(text, startedMs, true); }

  messages(): ChatMessage[] {
    return this.inOrder().filter((entry) => !entry.aside)
      .map(({ speaker, text, interrupted }) => ({ role: speaker === 'bot' ? 'assistant' : 'user', content: text, ...(interrupted ? { interrupted } : {}) }));
  }

  count(name: string, amount: number): void { this.usage[name] = Math.round(((this.usage[name] ?? 0) + amount) * 100) / 100; }

  summary(): { transcript: TranscriptTurn[]; latency: TurnLatency[]; usage: Record<string, number>; warnings: string[] } {
    const transcript = this.inOrder().map(({ speaker, text, startedMs, interrupted }) => {
      const offsetMs = this.offsetMs(startedMs);
      return { speaker, text, timestamp: new Date(this.answeredWallMs + offsetMs).toISOString(), offsetMs, ...(interrupted ? { interrupted } : {}) };
    });
    return { transcript, latency: this.latency, usage: this.usage, warnings: this.warnings };
  }

  /** By start: what was cut is known a little after the words that cut it. */
  private inOrder(): Entry[] { return [...this.entries].sort((a, b) => a.startedMs - b.startedMs); }

  private hear(text: string, startedMs: number, aside: boolean): void {
    this.entries.push({ speaker: 'customer', text, startedMs, interrupted: false, aside });
    this.onEvent('turn.customer', { text, offset_ms: this.offsetMs(startedMs) });
  }

  private announce(utterance: Utterance, text: string): void {
    if (text === '' || this.announced.has(utterance.tag)) return;
    this.announced.add(utterance.tag);
    this.onEvent('turn.bot', { text, offset_ms: this.offsetMs(startOf(utterance)) });
  }

  private offsetMs(atMs: number): number { return Math.max(0, Math.round(atMs - this.answeredMs)); }
}

const startOf = (utterance: Utterance): number => utterance.marks.playingMs ?? utterance.startedMs ?? utterance.marks.askedMs;
