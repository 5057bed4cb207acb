import type { HeldText, TurnOutput, TurnPhase, TurnRules, TurnState } from './turn-types.js';

/** One step under way: a copy of the state to change and the outputs so far. */
export class TurnMove {
  readonly outputs: TurnOutput[] = [];

  constructor(readonly state: TurnState, readonly rules: TurnRules, readonly nowMs: number) {}

  emit(output: TurnOutput): void { this.outputs.push(output); }

  enter(phase: TurnPhase): void {
    this.state.phase = phase;
    this.state.phaseSinceMs = this.nowMs;
    if (phase !== 'listening') return;
    this.state.quietSinceMs = this.nowMs;
    this.state.opening = false;
    this.state.uninterruptible = false;
    this.resumeBot();
  }

  startReply(turn: HeldText, by: 'speech' | 'keypad'): void {
    const { text, startedMs, lastVoicedMs } = turn;
    this.dropHeld();
    Object.assign(this.state, { unfinished: null, uninterruptible: false, promptsGiven: 0, answering: { text, startedMs, lastVoicedMs } });
    this.enter('thinking');
    this.emit({ type: 'startReply', text, startedMs, lastVoicedMs, by });
  }

  /** The bot is cut short; the floor is the customer's. */
  stopBot(): void {
    this.dropHeld();
    this.state.paused = false;
    this.emit({ type: 'stopPlayout' });
    this.enter('listening');
  }

  resumeBot(): void {
    if (!this.state.paused) return;
    this.state.paused = false;
    this.emit({ type: 'resumePlayout' });
  }

  /** Words that wait for the bot to finish will not be answered: they stay in the transcript. */
  dropHeld(): void {
    if (this.state.held) this.noteBackChannel(this.state.held);
    this.state.held = null;
  }

  noteBackChannel(said: HeldText): void { this.emit({ type: 'backChannel', text: said.text, startedMs: said.startedMs }); }
}
