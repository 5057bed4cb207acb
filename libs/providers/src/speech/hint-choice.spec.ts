import { describe, expect, it } from '@jest/globals';
import { convincingHint, isIntelligible, standsOnItsOwn, tokenProbability } from './hint-choice.js';

const read = (text: string, logProb: number, tokens = 3): { text: string; logProb: number; tokens: number } => ({ text, logProb, tokens });

describe('choice between what was heard and what was expected', () => {
  it('takes the best hint when the free reading is hardly likelier', () => {
    expect(convincingHint(read('Yeah. S.', -3), [read('No.', -9), read('Yes.', -4.5)])).toMatchObject({ text: 'Yes.' });
  });
  it('keeps a free reading that is much likelier', () => {
    expect(convincingHint(read('Yours.', -0.5), [read('Yes.', -5)])).toBeNull();
  });
  it('takes no hint that the audio does not support, however bad the free reading', () => {
    expect(convincingHint(read('You', -12), [read('Yes.', -10)])).toBeNull();
    expect(convincingHint(read('You', -12), [read('Yes.', -9.6)])).toMatchObject({ text: 'Yes.' });
    expect(convincingHint(read('You are', -8), [read('Yes.', -9.6)])).toBeNull();
    expect(convincingHint(read('You', -12), [])).toBeNull();
  });
  it('leaves alone what says a hint already, and numbers', () => {
    expect(standsOnItsOwn('Yes, please.', ['yes', 'no'])).toBe(true);
    expect(standsOnItsOwn('4 1 5', ['yes', 'no'])).toBe(true);
    expect(standsOnItsOwn('Know.', ['yes', 'no'])).toBe(false);
    expect(standsOnItsOwn('', ['yes', ''])).toBe(false);
  });
  it('tells words from guesses at noise', () => {
    expect(isIntelligible(read('Yes.', -3))).toBe(true);
    expect(isIntelligible(read('You', -9.1))).toBe(false);
    expect(isIntelligible(read('♪', -0.1))).toBe(false);
    expect(tokenProbability(read('Yes.', 0))).toBe(1);
  });
});
