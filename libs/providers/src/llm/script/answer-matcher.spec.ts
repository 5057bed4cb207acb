import { describe, expect, it } from '@jest/globals';
import { appointmentReminder, type BotScript } from '@dialfleet/bot';
import { DateTime } from 'luxon';
import { matchAnswer, type Answer } from './answer-matcher.js';
import { loadGrammar } from './grammar.js';
import { heldOutPhrases, unseenPhrases } from './held-out-phrases.js';

const now = DateTime.fromISO('2026-11-18T10:00', { zone: 'utc' });
const grammar = await loadGrammar();
const meaning = (answer: Answer | undefined): string => {
  if (!answer) return 'none';
  return answer.type === 'intent' ? answer.expectation.intent : answer.type === 'global' ? answer.intent : answer.type;
};
const understand = (script: BotScript, stepName: string, text: string): string => {
  const step = script.steps.find((candidate) => candidate.name === stepName);
  if (!step) throw new Error(`no step ${stepName}`);
  return meaning(matchAnswer(script, step, text, now, grammar));
};

const misunderstood = (phrases: typeof heldOutPhrases, step: string): string[] => phrases[step].flatMap(([text, means]) => {
  const got = understand(appointmentReminder, step, text);
  return means.split('_or_').includes(got) ? [] : [`${text} → ${got}, not ${means}`];
});

describe('matchAnswer', () => {
  it.each(Object.keys(heldOutPhrases))('understands what is said at step %s', (step) => { expect(misunderstood(heldOutPhrases, step)).toEqual([]); });

  it('understands nine of ten phrases it was not made with', () => {
    const wrong = Object.keys(unseenPhrases).flatMap((step) => misunderstood(unseenPhrases, step));
    const count = Object.values(unseenPhrases).flat().length;
    expect({ wrong, share: wrong.length / count <= 0.1 }).toEqual({ wrong, share: true });
  });
});
