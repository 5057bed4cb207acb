import type { BotScript, ScriptExpectation } from '@dialfleet/bot';
import { intentExamples } from './answer-matcher.js';
import { stepOf, type ScriptState } from './script-engine.js';
import { slotHints } from './slot-values.js';

/** What people ask back whatever they were asked. */
const anytime = ['who is this', 'can you repeat that', 'sorry', 'wrong number', 'hold on', 'goodbye'];
const MAX_HINTS = 48;
const MAX_HINT_WORDS = 5;

export interface Expected { hints: readonly string[]; answer: 'short' | 'long' }

/** Likely answers to the question asked last: those of the step first, then what its expectations bring. */
export function expectedAnswers(script: BotScript, state: ScriptState): Expected {
  const step = stepOf(state, script);
  const expectations = step?.expect ?? [];
  const likely = expectations.flatMap(wordsOf).filter((hint) => hint.split(' ').length <= MAX_HINT_WORDS);
  // Digits and free words follow no list: leaning towards one would only spoil them.
  const open = expectations.some((expectation) => 'slot' in expectation && (expectation.type === 'text' || expectation.type === 'phone_number'));
  const hints = [...(step?.hints ?? []), ...likely, ...(open ? [] : anytime)];
  return {
    hints: [...new Set(hints)].slice(0, MAX_HINTS),
    answer: expectations.some((expectation) => 'slot' in expectation && expectation.type === 'phone_number') ? 'long' : 'short',
  };
}

const wordsOf = (expectation: ScriptExpectation): readonly string[] =>
  ('slot' in expectation ? slotHints[expectation.type] : intentExamples(expectation).slice(0, 14));
