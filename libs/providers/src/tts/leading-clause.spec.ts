import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitLeadingClause } from './leading-clause.js';

describe('leading clause', () => {
  it('cuts a long sentence at its first clause mark', () => {
    expect(splitLeadingClause('Hello, I am calling from Green Dental, because your appointment on Monday the third has to be moved.'))
      .toEqual(['Hello, I am calling from Green Dental,', 'because your appointment on Monday the third has to be moved.']);
  });
  it('leaves short sentences and those without a mark whole', () => {
    for (const sentence of ['Hello, this is Sam.', 'x'.repeat(300), `It costs 1,000,000 ${'dollars '.repeat(12)}`]) expect(splitLeadingClause(sentence)).toEqual([sentence]);
  });
  it('loses nothing but white space', () => {
    fc.assert(fc.property(fc.string({ maxLength: 300, unit: fc.constantFrom(...'ab ,;:.1') }), (sentence) => {
      expect(splitLeadingClause(sentence).join('').replace(/\s/g, '')).toBe(sentence.replace(/\s/g, ''));
    }));
  });
});
