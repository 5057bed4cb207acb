import type { BotScript, GlobalIntent, ScriptExpectation, ScriptStep } from '@dialfleet/bot';
import { splitSentences } from '@dialfleet/conversation';
import type { DateTime } from 'luxon';
import type { Grammar } from './grammar.js';
import { globalIntentExamples, isGlobalIntent, knownIntents } from './known-intents.js';
import { likeness, phraseOf, type Phrase } from './phrase-matcher.js';
import { readSlot, type FilledSlot } from './slot-values.js';

/** What the customer's words mean at a step. */
export type Answer =
  | { type: 'intent'; expectation: Extract<ScriptExpectation, { intent: string }>; score: number }
  | { type: 'slot'; expectation: Extract<ScriptExpectation, { slot: string }>; filled: FilledSlot; score: number }
  | { type: 'faq'; answer: string; score: number }
  | { type: 'global'; intent: GlobalIntent; score: number };

/** Below these a likeness is chance. What may come at any time must be clearer than what was asked for. */
const MIN_INTENT = 0.57;
const MIN_FAQ = 0.68;
const MIN_GLOBAL = 0.68;
/** Beside a free-text answer, almost anything might be the answer. */
const MIN_BESIDE_TEXT = 0.88;
/** A value of the asked kind is there: worth more than half a likeness, less than a clear "wrong number". */
const SLOT_SCORE = 0.8;
const TEXT_SCORE = 0.5;

/** Only the step's own answers, the FAQ and the global intents compete: a handful, which is what makes the match sturdy. */
export function matchAnswer(script: BotScript, step: ScriptStep, text: string, now: DateTime, grammar: Grammar): Answer | undefined {
  const heard = phrasesOf(text);
  const expected = (step.expect ?? []).flatMap((expectation) => expectedAnswer(expectation, text, heard, now, grammar) ?? []);
  const takesText = (step.expect ?? []).some((expectation) => 'slot' in expectation && expectation.type === 'text');
  const asides = [...faqAnswers(script, heard), ...globalAnswers(script, heard)].filter((answer) => answer.score >= (takesText ? MIN_BESIDE_TEXT : MIN_FAQ));
  return [...expected, ...asides].reduce<Answer | undefined>((best, answer) => (best && best.score >= answer.score ? best : answer), undefined);
}

function expectedAnswer(expectation: ScriptExpectation, text: string, heard: readonly Phrase[], now: DateTime, grammar: Grammar): Answer | undefined {
  if ('slot' in expectation) {
    const filled = readSlot(expectation.type, text, now, grammar);
    return filled && { type: 'slot', expectation, filled, score: expectation.type === 'text' ? TEXT_SCORE : SLOT_SCORE };
  }
  const score = bestLikeness(heard, intentExamples(expectation));
  return score >= MIN_INTENT ? { type: 'intent', expectation, score } : undefined;
}

/** The script's examples, and those that the intent's name brings. */
export function intentExamples({ intent, examples = [] }: Extract<ScriptExpectation, { intent: string }>): readonly string[] {
  const known = Object.hasOwn(knownIntents, intent) ? knownIntents[intent] : isGlobalIntent(intent) ? globalIntentExamples[intent] : [];
  return [...examples, ...known, ...(examples.length + known.length === 0 ? [intent.replaceAll('_', ' ')] : [])];
}

const faqAnswers = (script: BotScript, heard: readonly Phrase[]): Answer[] =>
  (script.faq ?? []).map(({ examples, answer }) => ({ type: 'faq', answer, score: bestLikeness(heard, examples) }));

function globalAnswers(script: BotScript, heard: readonly Phrase[]): Answer[] {
  const intents = Object.keys(globalIntentExamples) as GlobalIntent[];
  return intents.filter((intent) => script.global?.[intent] !== null)
    .map((intent) => ({ type: 'global' as const, intent, score: bestLikeness(heard, globalIntentExamples[intent]) }))
    .filter((answer) => answer.score >= MIN_GLOBAL);
}

const phrases = new Map<string, Phrase>();
const MAX_REMEMBERED_PHRASES = 20_000;

/** All that was said, and each sentence of it: "I can not. Call me back." refuses nothing. */
const phrasesOf = (text: string): Phrase[] => [...new Set([text, ...splitSentences(text)])].map(phraseOf);

function bestLikeness(heard: readonly Phrase[], examples: readonly string[]): number {
  return examples.reduce((best, example) => Math.max(best, ...heard.map((phrase) => likeness(phrase, remembered(example)))), 0);
}

function remembered(example: string): Phrase {
  const known = phrases.get(example);
  if (known) return known;
  if (phrases.size >= MAX_REMEMBERED_PHRASES) phrases.clear();
  const phrase = phraseOf(example);
  phrases.set(example, phrase);
  return phrase;
}
