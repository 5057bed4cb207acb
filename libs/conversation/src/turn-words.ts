import { interrupts } from './turn-hearing.js';
import { asksToStop, isListeningSound, joinTexts, looksUnfinished } from './utterance-text.js';
import type { TurnMove } from './turn-move.js';
import type { HeldText, Speech } from './turn-types.js';

/** The words of the oldest closed utterance, or of one that the recogniser closed by itself. */
export function hearWords(move: TurnMove, text: string): void {
  const { state, nowMs } = move;
  const [closed, ...rest] = state.pending;
  const words = text.trim();
  if (!closed && words === '') return;
  const utterance: Speech = closed ?? state.speech
    ?? { startedMs: nowMs, lastVoicedMs: nowMs, voicedMs: 0, overBot: state.phase === 'speaking', greeting: false };
  if (closed) state.pending = rest; else state.speech = null;
  const said = { text: words, startedMs: utterance.startedMs, lastVoicedMs: utterance.lastVoicedMs };
  if (words === '') nothingSaid(move);
  else if (state.phase === 'speaking') overheard(move, said, utterance.greeting);
  else answered(move, said, utterance.overBot);
}

/** No words came in time: as if there had been none. */
export function forgetLateRecognition(move: TurnMove): void {
  while (move.state.pending.length > 0 && move.nowMs - move.state.pending[0].sinceMs >= move.rules.recognitionTimeoutMs) hearWords(move, '');
}

/** Words said while the bot is talking. */
function overheard(move: TurnMove, said: HeldText, greeting: boolean): void {
  const { state, rules } = move;
  const floor = greeting ? asksToStop(said.text) : interrupts(said.text, rules.minWords);
  if (floor && !state.uninterruptible) {
    move.stopBot();
    return takeTurn(move, said);
  }
  if (floor) state.held = { ...merged(state.held, said), atAnyTime: true };
  else if (greeting || isListeningSound(said.text) || state.held?.atAnyTime) move.noteBackChannel(said);
  else {
    move.dropHeld();
    state.held = { ...said, atAnyTime: false };
  }
  settlePause(move);
}

/** The bot goes on, unless the customer is again (or still) being heard. */
function settlePause(move: TurnMove): void {
  if (move.state.pending.length === 0 && !move.state.speech) move.resumeBot();
}

/** The bot has finished: what was said over it may be the answer to it. */
export function answerHeld(move: TurnMove): void {
  const { state, rules, nowMs } = move;
  const held = state.held;
  if (!held) return;
  if (!held.atAnyTime && nowMs - held.lastVoicedMs > rules.earlyAnswerMs) return move.dropHeld();
  state.held = null;
  takeTurn(move, held);
}

/** Words while the bot is silent: the turn, part of it, or nothing. */
function answered(move: TurnMove, said: HeldText, overBot: boolean): void {
  const { state } = move;
  const beforeOpening = state.opening && state.phase === 'thinking';
  if (!beforeOpening && state.uninterruptible && !state.answering) {
    state.held = { ...merged(state.held, said), atAnyTime: true };
    return;
  }
  if (!beforeOpening && !(overBot && isListeningSound(said.text))) return takeTurn(move, said);
  move.noteBackChannel(said);
  nothingSaid(move);
}

/** An utterance without words, or with none to answer: whatever waited for it goes on. */
function nothingSaid(move: TurnMove): void {
  const { state } = move;
  if (state.phase === 'speaking') return settlePause(move);
  if (state.phase !== 'thinking' || state.answering || state.opening || state.pending.length > 0) return;
  const quietSinceMs = state.quietSinceMs;
  move.enter('listening');
  // Noise is no sign of life: the silence goes on counting.
  state.quietSinceMs = quietSinceMs;
}

function takeTurn(move: TurnMove, said: HeldText): void {
  const { state, rules, nowMs } = move;
  if (state.phase === 'thinking' && state.answering) {
    move.emit({ type: 'cancelReply' });
    state.unfinished = state.answering;
  }
  const turn = merged(state.unfinished, said);
  const mayGoOn = nowMs - said.lastVoicedMs < rules.maxEndSilenceMs && looksUnfinished(turn.text, state.answer === 'long');
  if (!mayGoOn && !state.speech && state.pending.length === 0) return move.startReply(turn, 'speech');
  state.unfinished = turn;
  state.answering = null;
  move.enter(state.pending.length > 0 ? 'thinking' : 'listening');
}

const merged = (before: HeldText | null, said: HeldText): HeldText =>
  before ? { text: joinTexts(before.text, said.text), startedMs: before.startedMs, lastVoicedMs: said.lastVoicedMs } : said;
