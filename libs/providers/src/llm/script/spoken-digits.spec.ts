import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { speakDigits, spokenDigits, spokenPhoneNumber } from './spoken-digits.js';

describe('spokenPhoneNumber', () => {
  it.each([
    ['my number is four one five five five five oh one two three', '4155550123'],
    ["It's 4 1 5 5 5 5 0 1 2 3", '4155550123'],
    ['You can reach me on 415-555-0123.', '4155550123'],
    ['(415) 555 0123', '4155550123'],
    ['plus one four one five, five five five, zero one two three', '+14155550123'],
    ['+44 20 7946 0958', '+442079460958'],
    ['four one five, triple five, oh one double two', '4155550122'],
    ['four fifteen five fifty five oh one twenty three', '4155550123'],
    ['eight hundred five five five oh one two three', '8005550123'],
    ['4155550123', '4155550123'],
    ['Sure, um four one five and then five five five uh zero one too three', '4155550123'],
    ['It is four one five five five five or one two three.', '4155550123'],
    ['four won five five five five for one to three', '4155554123'],
  ])('"%s"', (text, number) => { expect(spokenPhoneNumber(text)).toBe(number); });

  it.each(['call me on Friday', 'twenty two', '555', 'one moment please', '', 'to be or not to be for you'])('"%s" is none', (text) => { expect(spokenPhoneNumber(text)).toBeUndefined(); });

  it('takes the longest run', () => { expect(spokenDigits('the 2 of us live at 4155550123 now')).toBe('4155550123'); });

  it('reads any number back from its words', () => {
    const words = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
    fc.assert(fc.property(fc.stringMatching(/^[0-9]{7,15}$/), (number) => {
      expect(spokenPhoneNumber([...number].map((digit) => words[Number(digit)]).join(' '))).toBe(number);
      expect(spokenPhoneNumber(speakDigits(number))).toBe(number);
    }));
  });

  it('speaks digits in groups', () => {
    expect(speakDigits('+4155550123')).toBe('4 1 5, 5 5 5, 0 1 2 3');
    expect(speakDigits('4155550123')).toBe('4 1 5, 5 5 5, 0 1 2 3');
  });
});
