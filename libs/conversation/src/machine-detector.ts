import { detectTone, noTone, type ToneState } from './tone-detector.js';
import { wordCount } from './utterance-text.js';

export type MachineVerdict = 'undecided' | 'human' | 'machine';

export type MachineReason =
  /** Words that only a machine says: "leave a message after the tone". */
  | 'machine_words'
  /** Talks on at once, longer than people do when they answer. */
  | 'long_greeting'
  | 'beep'
  | 'short_answer'
  /** Took part in the conversation. */
  | 'conversation'
  /** A call-screening assistant with a person behind it. */
  | 'call_screening'
  /** Nothing spoke for a machine in time. */
  | 'time';

export type MachineInput =
  | { type: 'vad'; probability: number; windowMs: number }
  /** Words of an utterance of the customer's side; `startedMs` on the same clock. */
  | { type: 'transcript'; text: string; startedMs: number }
  /** One 20 ms frame of the customer's audio at 8 kHz. */
  | { type: 'audio'; pcm: Int16Array }
  /** The bot has said something to the end. */
  | { type: 'botFinished' }
  | { type: 'tick' };

export interface MachineState {
  verdict: MachineVerdict;
  reason: MachineReason | null;
  answeredMs: number;
  /** Voice of the utterance that is going on, pauses up to `pauseMs` included. */
  utterance: { startedMs: number; lastVoicedMs: number; voicedMs: number } | null;
  longestVoicedMs: number;
  lastVoicedMs: number;
  /** When the bot had first said something to the end. */
  botFinishedMs: number | null;
  tone: ToneState;
  /** The beep is over (or was waited for long enough): a message may be left. */
  mayLeaveMessage: boolean;
}

/** Where the state has just come to. */
export type MachineOutput = { type: 'decided'; verdict: 'human' | 'machine'; reason: MachineReason } | { type: 'leaveMessage' };

const VOICED = 0.5;
const PAUSE_MS = 800;
/** A greeting begins at once; an utterance that begins later answers the bot. */
const GREETING_STARTS_WITHIN_MS = 4000;
/** A machine does not wait for the bot: what begins after this, and once the bot has spoken, is an answer. */
const ANSWER_STARTS_AFTER_MS = 2000;
/** People who answer a phone have said what they want to by then. */
const LONG_GREETING_VOICED_MS = 6000;
const SHORT_ANSWER_VOICED_MS = 3200;
/** Past this nothing makes a machine any more. */
const DECIDE_WITHIN_MS = 25_000;
/** No beep, but this long a silence after the greeting: some machines record without one. */
const SILENCE_INSTEAD_OF_BEEP_MS = 3500;
const MAX_WAIT_FOR_BEEP_MS = 40_000;

/** Said by machines only, whenever they are heard. */
const MACHINE_WORDS = /\b(?:leave (?:a|your|me a|us a|my)? ?(?:short |brief |detailed )?(?:message|name)|(?:after|at) the (?:tone|beep|signal)|voice ?mail(?:box)?|mailbox|you(?:'ve| have) reached|record(?:ed)? (?:your|a) message|press (?:one|two|three|zero|pound|star|\d|#)|for english|(?:number|person) you (?:have )?(?:dialed|dialled|called|are (?:calling|trying))|not in service|automated (?:voice|attendant)|call has been forwarded|missed your call|currently closed|(?:office|business|opening) hours)\b/i;
/** Said by machines in greetings, and by people in conversation. */
const GREETING_WORDS = /\b(?:not available|unavailable|(?:can't|cannot|can not|unable to) (?:come to the phone|take your call|answer)|get back to you|call you back|return your call|as soon as (?:possible|i can|we can)|try again later|not at home|check the number)\b/i;
const SCREENING_WORDS = /\b(?:(?:state|say|tell me|record) (?:your name|why you(?:'re| are) calling)|reason for (?:your call|calling)|screening (?:service|this call)|google assistant|stay on the line)\b/i;

export const initialMachineState = (answeredMs: number): MachineState => ({
  verdict: 'undecided', reason: null, answeredMs, utterance: null, longestVoicedMs: 0, lastVoicedMs: answeredMs, botFinishedMs: null, tone: noTone, mayLeaveMessage: false,
});

/**
 * Person or answering machine? A machine answers with the same 200 OK, so only what is heard tells: its words, how long it
 * talks at once, its beep. The bot greets meanwhile; a person waits for nothing.
 */
export function detectMachine(before: MachineState, input: MachineInput, nowMs: number): { state: MachineState; outputs: MachineOutput[] } {
  const heard = hear(before, input, nowMs);
  const outputs: MachineOutput[] = [];
  let state = heard.state;
  if (state.verdict === 'undecided') {
    const decision = heard.decision ?? decideByTime(state, nowMs);
    if (decision) {
      state = { ...state, ...decision };
      outputs.push({ type: 'decided', ...decision });
    }
  }
  if (state.verdict === 'machine' && !state.mayLeaveMessage && (heard.beepEnded || greetingIsOver(state, nowMs))) {
    state = { ...state, mayLeaveMessage: true };
    outputs.push({ type: 'leaveMessage' });
  }
  return { state, outputs };
}

interface Decision { verdict: 'human' | 'machine'; reason: MachineReason }
interface Heard { state: MachineState; decision?: Decision; beepEnded?: boolean }

function hear(state: MachineState, input: MachineInput, nowMs: number): Heard {
  switch (input.type) {
    case 'vad': return { state: hearVoice(state, input.probability >= VOICED, input.windowMs, nowMs) };
    case 'transcript': return { state, decision: decideByWords(state, input.text, input.startedMs) };
    case 'audio': return hearTone(state, input.pcm, nowMs);
    case 'botFinished': return { state: { ...state, botFinishedMs: state.botFinishedMs ?? nowMs } };
    case 'tick': return { state };
  }
}

function hearVoice(state: MachineState, voiced: boolean, windowMs: number, nowMs: number): MachineState {
  const { utterance } = state;
  if (!voiced) return utterance && nowMs - utterance.lastVoicedMs >= PAUSE_MS ? { ...state, utterance: null } : state;
  const going = utterance ?? { startedMs: nowMs - windowMs, lastVoicedMs: nowMs, voicedMs: 0 };
  const next = { ...going, lastVoicedMs: nowMs, voicedMs: going.voicedMs + windowMs };
  return { ...state, utterance: next, lastVoicedMs: nowMs, longestVoicedMs: Math.max(state.longestVoicedMs, next.voicedMs) };
}

function hearTone(state: MachineState, pcm: Int16Array, nowMs: number): Heard {
  const { state: tone, sounding, ended } = detectTone(state.tone, pcm);
  const beep: Decision | undefined = sounding && nowMs - state.answeredMs < DECIDE_WITHIN_MS ? { verdict: 'machine', reason: 'beep' } : undefined;
  return { state: { ...state, tone }, decision: beep, beepEnded: ended !== null };
}

function decideByWords(state: MachineState, text: string, startedMs: number): Decision | undefined {
  if (text.trim() === '') return undefined;
  if (SCREENING_WORDS.test(text)) return { verdict: 'human', reason: 'call_screening' };
  if (MACHINE_WORDS.test(text)) return { verdict: 'machine', reason: 'machine_words' };
  const early = isGreeting(state, startedMs);
  if (early && GREETING_WORDS.test(text)) return { verdict: 'machine', reason: 'machine_words' };
  if (!early) return { verdict: 'human', reason: 'conversation' };
  return state.longestVoicedMs < SHORT_ANSWER_VOICED_MS && wordCount(text) <= 12 && !opensLikeMachine(text) ? { verdict: 'human', reason: 'short_answer' } : undefined;
}

/** "Hi, this is John Smith." may be a person or the first sentence of a greeting: wait for the next words. */
const opensLikeMachine = (text: string): boolean => /\b(?:thank(?:s| you) for calling|hi,? (?:this is|it's)|sorry i missed|welcome to)\b/i.test(text) && !/\?\s*$/.test(text);

function decideByTime(state: MachineState, nowMs: number): Decision | undefined {
  const { utterance } = state;
  if (utterance && isGreeting(state, utterance.startedMs) && utterance.voicedMs >= LONG_GREETING_VOICED_MS) return { verdict: 'machine', reason: 'long_greeting' };
  return nowMs - state.answeredMs >= DECIDE_WITHIN_MS ? { verdict: 'human', reason: 'time' } : undefined;
}

function isGreeting({ answeredMs, botFinishedMs }: MachineState, startedMs: number): boolean {
  const sinceAnswerMs = startedMs - answeredMs;
  const answersTheBot = botFinishedMs !== null && startedMs >= botFinishedMs && sinceAnswerMs >= ANSWER_STARTS_AFTER_MS;
  return sinceAnswerMs < GREETING_STARTS_WITHIN_MS && !answersTheBot;
}

const greetingIsOver = (state: MachineState, nowMs: number): boolean =>
  nowMs - state.lastVoicedMs >= SILENCE_INSTEAD_OF_BEEP_MS || nowMs - state.answeredMs >= MAX_WAIT_FOR_BEEP_MS;
