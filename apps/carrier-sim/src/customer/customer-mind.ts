import { FRAME_MS } from '@dialfleet/media';
import type { Act, Cue, Turn } from '../persona/persona.js';
import { isSpeech, withVoice, type VoiceRun } from './voice-run.js';

export type MindInput =
  /** The customer is on the line. */
  | 'answered'
  /** One frame of the bot's voice has come; frames without voice need not be told. */
  | 'bot_voice'
  /** What the last answer asked for is done: the line is spoken, the digits are sent. */
  | 'act_done'
  /** The time asked for has come; too early or too often does no harm. */
  | 'time';

export interface MindOutput {
  act: Act | null;
  /** When to come back with `time` if nothing else happens; null: never. */
  wakeAtMs: number | null;
}

/**
 * The customer's side of the conversation: walks through the turns of a persona, each when its cue comes about.
 *
 * ```
 *  unanswered ─answered─▶ waiting ─cue─▶ acting ─act_done─▶ waiting ─ … ─▶ done
 * ```
 * A turn that is only a wait passes at once to the next. What the bot said counts from the end of the customer's last
 * act: words that the customer spoke over are no answer.
 */
export class CustomerMind {
  private state: 'unanswered' | 'waiting' | 'acting' | 'done' = 'unanswered';
  private index = 0;
  private turnBeganMs = 0;
  private bot: VoiceRun | null = null;

  constructor(private readonly turns: readonly Turn[]) {}

  /** The script is over: the customer stays on the line, silent. */
  get isDone(): boolean { return this.state === 'done'; }

  step(input: MindInput, nowMs: number): MindOutput {
    if (input === 'answered' && this.state === 'unanswered') this.beginTurn(0, nowMs);
    if (input === 'act_done' && this.state === 'acting') {
      this.bot = null;
      this.beginTurn(this.index + 1, nowMs);
    }
    if (input === 'bot_voice' && this.state === 'waiting') this.bot = withVoice(this.bot, nowMs, FRAME_MS);
    return { act: this.nextAct(nowMs), wakeAtMs: this.wakeAtMs() };
  }

  private nextAct(nowMs: number): Act | null {
    while (this.state === 'waiting') {
      const { cue, act } = this.turns[this.index];
      if (dueAtMs(cue, this.turnBeganMs, this.bot) > nowMs) return null;
      if (act) {
        this.state = act.kind === 'hang_up' ? 'done' : 'acting';
        return act;
      }
      this.beginTurn(this.index + 1, nowMs);
    }
    return null;
  }

  private wakeAtMs(): number | null {
    return this.state === 'waiting' ? dueAtMs(this.turns[this.index].cue, this.turnBeganMs, this.bot) : null;
  }

  private beginTurn(index: number, nowMs: number): void {
    this.index = index;
    this.turnBeganMs = nowMs;
    this.state = index < this.turns.length ? 'waiting' : 'done';
  }
}

/** When `cue` comes about if the bot says no more from now on. */
function dueAtMs(cue: Cue, beganMs: number, bot: VoiceRun | null): number {
  switch (cue.kind) {
    case 'after': return beganMs + cue.ms;
    case 'bot_silent': return Math.min(beganMs + cue.maxWaitMs, isSpeech(bot) ? bot.lastAtMs + cue.silenceMs : Infinity);
    case 'bot_speaks': return isSpeech(bot) ? bot.firstAtMs + cue.forMs : beganMs + cue.maxWaitMs;
  }
}
