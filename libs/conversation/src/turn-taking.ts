import { closeStalledSpeech, hearVad, takeTurnBack } from './turn-hearing.js';
import { TurnMove } from './turn-move.js';
import { defaultTurnRules, type TurnInput, type TurnOutput, type TurnRules, type TurnState } from './turn-types.js';
import { answerHeld, forgetLateRecognition, hearWords } from './turn-words.js';

/**
 * Who may speak, as a pure machine: `turn(state, input, nowMs) → {state, outputs}`; replaying the inputs replays the
 * conversation.
 *
 * ```
 *              endOfTurn               playoutStarted
 *  listening ─────────────▶ thinking ─────────────────▶ speaking
 *     ▲  ▲     no words        │                           │
 *     │  └─────────────────────┤ goes on: cancelReply      │
 *     └────────────────────────┴───────────────────────────┘
 *                   playoutFinished, or interrupted: stopPlayout
 * ```
 * Speech over the bot pauses it (`pausePlayout`); the words then decide between `resumePlayout` (a back-channel, or fewer
 * words than the rule asks for) and `stopPlayout`. Each wait has a limit, so no order of events leaves the machine stuck.
 */
export class TurnTaking {
  readonly rules: TurnRules;

  constructor(rules: Partial<TurnRules> = {}) { this.rules = { ...defaultTurnRules, ...rules }; }

  /** The bot speaks first: `thinking` until its opening goes out. Without an opening it listens. */
  initial(nowMs: number, opening: boolean): TurnState {
    return {
      phase: opening ? 'thinking' : 'listening', phaseSinceMs: nowMs, opening, paused: false,
      uninterruptible: opening && !this.rules.openingInterruptible, onset: null, speech: null, interim: '',
      pending: [], unfinished: null, answering: null, held: null, keypad: null, answer: 'short', quietSinceMs: nowMs, promptsGiven: 0, gaveUp: false,
    };
  }

  turn(state: TurnState, input: TurnInput, nowMs: number): { state: TurnState; outputs: TurnOutput[] } {
    const move = new TurnMove({ ...state }, this.rules, nowMs);
    takeInput(move, input);
    passTime(move);
    return { state: move.state, outputs: move.outputs };
  }
}

function takeInput(move: TurnMove, input: TurnInput): void {
  const { state } = move;
  switch (input.type) {
    case 'vad': return hearVad(move, input.probability, input.windowMs);
    case 'interim': state.interim = state.speech ? input.text : ''; return;
    case 'final': return hearWords(move, input.text);
    case 'playoutStarted': return botSpeaks(move);
    case 'playoutFinished': return botFinished(move);
    case 'replyEmpty': if (state.phase === 'thinking') botYields(move); return;
    case 'lastWords': return takeLeave(move);
    case 'expect': state.answer = input.answer; return;
    case 'dtmf': return keyPressed(move, input.digit);
    case 'tick': return;
  }
}

function takeLeave(move: TurnMove): void {
  if (move.state.phase === 'listening') move.enter('thinking');
  move.state.uninterruptible = true;
}

function botSpeaks(move: TurnMove): void {
  if (move.state.phase !== 'thinking') return;
  if (move.state.speech && move.state.answering) return takeTurnBack(move);
  move.state.answering = null;
  move.enter('speaking');
}

function botFinished(move: TurnMove): void {
  if (move.state.phase === 'speaking') botYields(move);
}

function botYields(move: TurnMove): void {
  move.enter('listening');
  answerHeld(move);
}

function keyPressed(move: TurnMove, digit: string): void {
  const { state, nowMs, rules } = move;
  if (!rules.keypad) return;
  if (state.phase === 'speaking' && !state.uninterruptible) move.stopBot();
  const digits = (state.keypad?.digits ?? '') + (digit === '#' ? '' : digit);
  state.keypad = { digits, startedMs: state.keypad?.startedMs ?? nowMs, lastMs: nowMs };
  if (digit === '#') keypadDone(move);
}

function keypadDone(move: TurnMove): void {
  const { state } = move;
  const typed = state.keypad;
  state.keypad = null;
  if (!typed || typed.digits === '') return;
  const before = state.unfinished ?? state.answering;
  const turn = { text: [before?.text, typed.digits].filter(Boolean).join(' '), startedMs: before?.startedMs ?? typed.startedMs, lastVoicedMs: typed.lastMs };
  if (state.phase === 'speaking' && state.uninterruptible) {
    move.dropHeld();
    state.held = { ...turn, atAnyTime: true };
    return;
  }
  if (state.phase === 'thinking' && state.answering) move.emit({ type: 'cancelReply' });
  if (state.phase === 'speaking') move.stopBot();
  move.startReply(turn, 'keypad');
}

/** What falls due by itself. */
function passTime(move: TurnMove): void {
  const { state, rules, nowMs } = move;
  closeStalledSpeech(move);
  forgetLateRecognition(move);
  if (state.keypad && nowMs - state.keypad.lastMs >= rules.keypadPauseMs) keypadDone(move);
  const going = state.unfinished;
  if (going && !state.speech && state.pending.length === 0 && state.phase === 'listening'
    && nowMs - going.lastVoicedMs >= rules.maxEndSilenceMs) move.startReply(going, 'speech');
  if (state.phase === 'thinking' && nowMs - state.phaseSinceMs >= rules.thinkingTimeoutMs) {
    if (state.answering) move.emit({ type: 'cancelReply' });
    state.answering = null;
    botYields(move);
  }
  if (state.phase === 'speaking' && nowMs - state.phaseSinceMs >= rules.speakingTimeoutMs) move.stopBot();
  keepCompany(move);
}

/** Silence on the customer's side: prompts, then a farewell. */
function keepCompany(move: TurnMove): void {
  const { state, rules, nowMs } = move;
  const { enabled, promptAfterMs, hangUpAfterPrompts } = rules.silence;
  const busy = state.speech ?? state.onset ?? state.unfinished ?? state.keypad ?? state.pending.at(0);
  if (!enabled || state.gaveUp || state.phase !== 'listening' || busy || nowMs - state.quietSinceMs < promptAfterMs) return;
  if (state.promptsGiven >= hangUpAfterPrompts) {
    state.gaveUp = true;
    move.emit({ type: 'hangUpSilence' });
    return;
  }
  move.emit({ type: 'promptSilence', index: state.promptsGiven });
  state.promptsGiven++;
  move.enter('thinking');
}
