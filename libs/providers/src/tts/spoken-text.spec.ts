import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toSpokenAscii } from './spoken-text.js';

describe('spoken text', () => {
  it.each([
    ['Hello, Zoë Müller-Łoś!', 'Hello, Zoe Muller-los!'],
    ['It’s “done” — really…', 'It\'s "done", really...'],
    ['That is €10.50 or £ 9', 'That is 10.50 euros or 9 pounds'],
    ['one\u0000two\nthree\tfour', 'one two three four'],
    ['Thanks 👍!', 'Thanks !'],
    ['привет', ''],
    [' ... ', ''],
  ])('reads %j as %j', (text, spoken) => expect(toSpokenAscii(text)).toBe(spoken));

  it('is always printable ASCII on one line, and stable', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      const spoken = toSpokenAscii(text);
      expect(spoken).toMatch(/^[\x20-\x7e]*$/);
      expect(toSpokenAscii(spoken)).toBe(spoken);
    }));
  });
});
