import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { heardOfParts, heardText } from './heard-text.js';
import { sentencesOf, splitSentences } from './sentences.js';

async function* from(parts: readonly string[]): AsyncIterable<string> { yield* parts; }
async function collect(parts: readonly string[]): Promise<string[]> {
  const all: string[] = [];
  for await (const sentence of sentencesOf(from(parts))) all.push(sentence);
  return all;
}

describe('sentencesOf', () => {
  it('gives each sentence as soon as it is whole, however the text was cut', async () => {
    expect(await collect(['Hel', 'lo there. How are', ' you? I', ' am fine!'])).toEqual(['Hello there.', 'How are you?', 'I am fine!']);
  });
  it('does not stop at titles, initials, decimals and hours', async () => {
    expect(await collect(['Dr. Smith and J. Doe pay 4.50 at 5 p.m. on Friday. Good?'])).toEqual(['Dr. Smith and J. Doe pay 4.50 at 5 p.m. on Friday.', 'Good?']);
    expect(splitSentences('No. I will not.')).toEqual(['No.', 'I will not.']);
  });
  it('cuts an endless sentence where it may', async () => {
    const sentences = await collect([`${'word '.repeat(40)}, ${'more '.repeat(40)}`]);
    expect(sentences.length).toBeGreaterThan(1);
    expect(Math.max(...sentences.map((s) => s.length))).toBeLessThanOrEqual(221);
  });
  it('loses and repeats nothing', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.stringMatching(/^[a-zA-Z ,.!?\n]{0,60}$/), { maxLength: 8 }), async (parts) => {
      const squeeze = (text: string): string => text.replace(/\s+/g, '');
      expect(squeeze((await collect(parts)).join(' '))).toBe(squeeze(parts.join('')));
    }));
  });
});

describe('heardText', () => {
  it('cuts after the last whole word', () => {
    expect(heardText('Hello John, this is Ava.', 0.5)).toBe('Hello John,');
    expect(heardText('Hello John', 0.3)).toBe('');
    expect(heardText('Hello John', 0.5)).toBe('Hello');
    expect(heardText('Hello John', 1)).toBe('Hello John');
    expect(heardText('Hello John', Number.NaN)).toBe('');
  });
  it('is always a prefix of whole words', () => {
    fc.assert(fc.property(fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 20 }), fc.double({ min: 0, max: 1.2, noNaN: true }), (words, fraction) => {
      const heard = heardText(words.join(' '), fraction);
      const count = heard === '' ? 0 : heard.split(' ').length;
      expect(heard).toBe(words.slice(0, count).join(' '));
    }));
  });
  it('walks through sentences with known and still growing audio', () => {
    const parts = [{ text: 'Hello there.', samples: 8000, complete: true }, { text: 'How are you today my friend?', samples: 4000, complete: false }];
    expect(heardOfParts(parts, 8000)).toBe('Hello there.');
    expect(heardOfParts(parts, 0)).toBe('');
    expect(heardOfParts(parts, 8000 + 7000)).toBe('Hello there. How are you');
  });
});
