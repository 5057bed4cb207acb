import { asksToStop, isBackChannel, looksUnfinished, wordCount } from './utterance-text.js';
import type { TurnMove } from './turn-move.js';
import type { Speech } from './turn-types.js';

/** One VAD window: is the customer speaking, has the turn ended, is the bot being interrupted? */
export function hearVad(move: TurnMove, probability: number, windowMs: number): void {
  const { state, rules } = move;
  const voiced = probability >= (state.speech ? rules.voiceOff : rules.voiceOn);
  if (state.speech) continueSpeech(move, state.speech, voiced, windowMs);
  else if (voiced) waitForSpeech(move, windowMs);
  else state.onset = null;
}

/** Hysteresis: a run of voice shorter than `startVoicedMs` is a click. */
function waitForSpeech(move: TurnMove, windowMs: number): void {
  const { state, rules, nowMs } = move;
  const onset = state.onset ?? { startedMs: nowMs - windowMs, voicedMs: 0 };
  const voicedMs = onset.voicedMs + windowMs;
  if (voicedMs < rules.startVoicedMs) {
    state.onset = { ...onset, voicedMs };
    return;
  }
  state.onset = null;
  state.interim = '';
  state.speech = { startedMs: onset.startedMs, lastVoicedMs: nowMs, voicedMs, overBot: state.phase === 'speaking', greeting: isGreeting(move) };
  move.emit({ type: 'speechStarted', startedMs: onset.startedMs });
  considerFloor(move, state.speech);
}

/** Said before or just as the opening begins: how people answer a phone, not an interruption. */
const isGreeting = ({ state, rules, nowMs }: TurnMove): boolean =>
  state.opening && (state.phase === 'thinking' || nowMs - state.phaseSinceMs < rules.greetingMs);

function continueSpeech(move: TurnMove, before: Speech, voiced: boolean, windowMs: number): void {
  const { state, rules, nowMs } = move;
  const speech = voiced ? { ...before, lastVoicedMs: nowMs, voicedMs: before.voicedMs + windowMs } : before;
  state.speech = speech;
  if (voiced) considerFloor(move, speech);
  const silenceMs = nowMs - speech.lastVoicedMs;
  if (silenceMs >= endSilenceMs(move) || nowMs - speech.startedMs >= rules.maxTurnMs) closeSpeech(move, speech);
}

/** Patience grows where more is likely to come. */
function endSilenceMs(move: TurnMove): number {
  const { state, rules } = move;
  if (state.phase === 'speaking') return rules.endSilenceMs;
  if (state.interim !== '' && looksUnfinished(state.interim, state.answer === 'long')) return rules.maxEndSilenceMs;
  return state.answer === 'long' ? Math.round((rules.endSilenceMs + rules.maxEndSilenceMs) / 2) : rules.endSilenceMs;
}

/** Speech while the bot thinks takes the turn back; speech over the bot pauses or stops it. */
function considerFloor(move: TurnMove, speech: Speech): void {
  const { state, rules } = move;
  if (state.phase === 'thinking' && state.answering && speech.voicedMs >= rules.resumeSpeechMs) takeTurnBack(move);
  if (state.phase === 'speaking') considerInterruption(move, speech);
}

/** The customer goes on: nobody has heard the reply, so what it answered is only the first part of the turn. */
export function takeTurnBack(move: TurnMove): void {
  move.emit({ type: 'cancelReply' });
  move.state.unfinished = move.state.answering;
  move.state.answering = null;
  move.enter('listening');
}

function considerInterruption(move: TurnMove, speech: Speech): void {
  const { state, rules } = move;
  if (state.uninterruptible) return;
  if (speech.voicedMs < (state.opening ? Math.max(rules.openingMinSpeechMs, rules.minSpeechMs) : rules.minSpeechMs)) return;
  if ((interrupts(state.interim, rules.minWords) && !speech.greeting) || speech.voicedMs >= rules.surelyInterruptingMs) return move.stopBot();
  if (state.paused) return;
  state.paused = true;
  move.emit({ type: 'pausePlayout' });
}

/** Whether words said over the bot take the floor. */
export const interrupts = (text: string, minWords: number): boolean =>
  text !== '' && (asksToStop(text) || (wordCount(text) >= minWords && !isBackChannel(text)));

function closeSpeech(move: TurnMove, speech: Speech): void {
  const { state, rules, nowMs } = move;
  state.speech = null;
  state.interim = '';
  if (speech.voicedMs < rules.minUtteranceMs) {
    move.emit({ type: 'discardNoise' });
    return;
  }
  state.pending = [...state.pending, { ...speech, sinceMs: nowMs }];
  move.emit({ type: 'endOfTurn', startedMs: speech.startedMs, lastVoicedMs: speech.lastVoicedMs });
  if (state.phase === 'listening') move.enter('thinking');
}

/** VAD windows have stopped coming: audio stalled, so the silence is counted by the clock. */
export function closeStalledSpeech(move: TurnMove): void {
  const { state, rules, nowMs } = move;
  if (state.onset && nowMs - state.onset.startedMs >= STALL_MS) state.onset = null;
  if (state.speech && nowMs - state.speech.lastVoicedMs >= rules.maxEndSilenceMs + STALL_MS) closeSpeech(move, state.speech);
}
const STALL_MS = 500;
