import { SCRIPT_END, type BotScript, type GlobalIntent, type GlobalReply, type ScriptExpectation, type ScriptStep, type SlotType } from '@dialfleet/bot';
import { splitSentences } from '@dialfleet/conversation';
import type { DateTime } from 'luxon';
import { matchAnswer, type Answer } from './answer-matcher.js';
import type { Grammar } from './grammar.js';
import { readSlot, type FilledSlot } from './slot-values.js';

/** Where a conversation stands. Never changed in place: a reply that nobody heard is taken back by going on from an earlier one. */
export interface ScriptState {
  /** Name of the step, or `end`. */
  step: string;
  reprompts: number;
  slots: Readonly<Record<string, FilledSlot>>;
  intents: readonly string[];
  disposition?: string;
  /** What was asked last, as rendered; '' when the opening message asked. */
  asked: string;
}

export interface ScriptContext {
  script: BotScript;
  /** Rendered. */
  openingMessage: string;
  render(template: string, slots: Record<string, unknown>): string;
  /** In the bot's time zone. */
  now: DateTime;
}

/** Understanding an answer takes the grammar; beginning does not. */
export type AnswerContext = ScriptContext & { grammar: Grammar };

export interface ScriptMove { state: ScriptState; say: string }

const FAREWELL = 'Thank you for your time. Goodbye.';
/** For a bot that has neither an opening message nor a script that begins. */
const GREETING = 'Hello. This is an automated call. How can I help you?';
const NOT_UNDERSTOOD = 'Sorry, I did not catch that.';
const MAX_STATEMENTS = 50;

const globalReplies: Readonly<Record<GlobalIntent, GlobalReply>> = {
  repeat: { say: '' },
  who: { say: 'This is an automated call.' },
  robot: { say: 'Yes, I am an automated assistant.' },
  hold: { say: 'Of course, take your time.' },
  agent: { say: 'I am sorry, nobody is free at the moment. A colleague will call you back. Goodbye.', next: SCRIPT_END, disposition: 'agent_requested' },
  do_not_call: { say: 'I understand. We will not call you again. Goodbye.', next: SCRIPT_END, disposition: 'do_not_call' },
  wrong_number: { say: 'I am sorry to have disturbed you. Goodbye.', next: SCRIPT_END, disposition: 'wrong_number' },
  goodbye: { say: FAREWELL, next: SCRIPT_END },
};

/** The start step: what follows the opening message. */
export function beginScript(context: ScriptContext): ScriptMove {
  const start = context.script.start ?? context.script.steps[0].name;
  const move = enter({ step: start, reprompts: 0, slots: {}, intents: [], asked: '' }, start, context);
  return move.say !== '' || context.openingMessage.trim() !== '' ? move : { state: { ...move.state, asked: GREETING }, say: GREETING };
}

/** The customer's words → what the bot says, and where that leads. `cutOff`: the customer did not hear all of the question. */
export function answerScript(state: ScriptState, text: string, cutOff: boolean, context: AnswerContext): ScriptMove {
  const step = stepOf(state, context.script);
  if (!step) return { state, say: FAREWELL };
  const answer = matchAnswer(context.script, step, text, context.now, context.grammar);
  if (!answer) return cutOff ? { state, say: fullQuestion(state, context) } : notUnderstood(state, step, context);
  switch (answer.type) {
    case 'faq': return { state: heardIntent(state, 'faq'), say: joinSentences(answer.answer, question(state, context), context, state) };
    case 'global': return answerGlobal(heardIntent(state, answer.intent), answer.intent, context);
    case 'intent': case 'slot': return follow(state, answer, text, context);
  }
}

export const stepOf = (state: ScriptState, script: BotScript): ScriptStep | undefined => script.steps.find((step) => step.name === state.step);

function follow(state: ScriptState, answer: Extract<Answer, { type: 'intent' | 'slot' }>, text: string, context: AnswerContext): ScriptMove {
  const { expectation } = answer;
  const noted: ScriptState = {
    ...state,
    disposition: expectation.disposition ?? state.disposition,
    intents: answer.type === 'intent' ? [...state.intents, answer.expectation.intent] : state.intents,
    slots: answer.type === 'slot' ? { ...state.slots, [answer.expectation.slot]: answer.filled } : state.slots,
  };
  const ahead = answer.type === 'slot' && answer.expectation.type === 'phone_number' ? undefined : saidAlready(expectation.next, noted, text, context);
  if (!ahead) return enter(noted, expectation.next, context);
  const passed = context.script.steps.find((step) => step.name === expectation.next);
  return enter({
    ...noted, slots: { ...noted.slots, [ahead.expectation.slot]: ahead.filled }, disposition: ahead.expectation.disposition ?? passed?.disposition ?? noted.disposition,
  }, ahead.expectation.next, context);
}

const unmistakable: ReadonlySet<SlotType> = new Set(['date', 'time', 'datetime', 'phone_number']);
type SlotExpectation = Extract<ScriptExpectation, { slot: string }>;

/**
 * "Can you call me on Friday?" answers the next question, too. Only for values that cannot be meant otherwise, and never
 * where something was refused: "I cannot come on Friday" names no day to call.
 */
function saidAlready(next: string, state: ScriptState, text: string, context: AnswerContext): { expectation: SlotExpectation; filled: FilledSlot } | undefined {
  if (/\b(?:no|not|nope|never|cannot)\b|n't\b|n’t\b/i.test(text)) return undefined;
  const step = context.script.steps.find((candidate) => candidate.name === next);
  for (const expectation of step?.expect ?? []) {
    if (!('slot' in expectation) || !unmistakable.has(expectation.type) || expectation.slot in state.slots) continue;
    const filled = readSlot(expectation.type, text, context.now, context.grammar);
    if (filled) return { expectation, filled };
  }
  return undefined;
}

/** Goes to a step and through statements to the next question or the end. */
function enter(from: ScriptState, name: string, context: ScriptContext): ScriptMove {
  const said: string[] = [];
  let state = from;
  for (let target = name, count = 0; count < MAX_STATEMENTS; count++) {
    const step = context.script.steps.find((candidate) => candidate.name === target);
    if (!step) break;
    const say = context.render(step.say, spokenSlots(state)).trim();
    if (say !== '') said.push(say);
    state = { ...state, step: step.name, reprompts: 0, asked: say, disposition: step.disposition ?? state.disposition };
    if (step.expect) return { state, say: said.join(' ') };
    target = step.next ?? SCRIPT_END;
  }
  return { state: { ...state, step: SCRIPT_END }, say: said.join(' ') || FAREWELL };
}

function answerGlobal(state: ScriptState, intent: GlobalIntent, context: ScriptContext): ScriptMove {
  const reply = context.script.global?.[intent];
  const { say, next = globalReplies[intent].next, disposition = globalReplies[intent].disposition } = reply ?? globalReplies[intent];
  const noted = { ...state, disposition: disposition ?? state.disposition };
  const text = context.render(say, spokenSlots(state)).trim();
  if (next === SCRIPT_END) return { state: { ...noted, step: SCRIPT_END }, say: text || FAREWELL };
  if (next !== undefined) {
    const move = enter(noted, next, context);
    return { state: move.state, say: [text, move.say].filter(Boolean).join(' ') };
  }
  if (intent === 'hold') return { state: noted, say: text };
  return { state: noted, say: [text, intent === 'repeat' ? fullQuestion(state, context) : question(state, context)].filter(Boolean).join(' ') };
}

function notUnderstood(state: ScriptState, step: ScriptStep, context: ScriptContext): ScriptMove {
  if (state.reprompts >= (step.maxReprompts ?? 1)) return enter(state, step.otherwise ?? SCRIPT_END, context);
  const say = step.reprompt ? context.render(step.reprompt, spokenSlots(state)) : `${NOT_UNDERSTOOD} ${question(state, context)}`;
  return { state: { ...state, reprompts: state.reprompts + 1 }, say: say.trim() };
}

/** Everything that led to the question, and only its last sentence. */
const fullQuestion = (state: ScriptState, context: ScriptContext): string => (state.asked === '' ? context.openingMessage : state.asked);
const question = (state: ScriptState, context: ScriptContext): string => splitSentences(fullQuestion(state, context)).at(-1) ?? '';

const joinSentences = (answer: string, asked: string, context: ScriptContext, state: ScriptState): string =>
  [context.render(answer, spokenSlots(state)).trim(), asked].filter(Boolean).join(' ');

const heardIntent = (state: ScriptState, intent: string): ScriptState => ({ ...state, intents: [...state.intents, intent] });

const spokenSlots = (state: ScriptState): Record<string, string> => Object.fromEntries(Object.entries(state.slots).map(([name, { spoken }]) => [name, spoken]));
