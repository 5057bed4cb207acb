import { describe, expect, it } from '@jest/globals';
import { wordErrors, wordsOf } from './word-errors.js';

describe('wordErrors', () => {
  it.each([
    ['', '', 0], ['a b c', 'a b c', 0], ['a b c', 'a x c', 1], ['a b c', 'a c', 1], ['a c', 'a b c', 1], ['a b c', '', 3], ['', 'a', 1], ['a b c d', 'b c d e', 2],
  ])('%s → %s: %i', (said, heard, errors) => { expect(wordErrors(wordsOf(said), wordsOf(heard))).toBe(errors); });

  it('takes no notice of case and punctuation', () => {
    expect(wordsOf("Yes, I'd like to – at 10.")).toEqual(['yes', "i'd", 'like', 'to', 'at', '10']);
  });
});
