import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { generateSecretKey, parseSecretKey, SecretBox, SecretUnreadable } from './secret-box.js';

const box = new SecretBox(parseSecretKey(generateSecretKey()));

describe('SecretBox', () => {
  it('opens what it sealed, and seals the same text differently each time', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      const wellFormed = Buffer.from(text, 'utf8').toString('utf8');
      const sealed = box.seal(wellFormed);
      expect(box.open(sealed)).toBe(wellFormed);
      expect(box.seal(wellFormed)).not.toBe(sealed);
    }), { numRuns: 50 });
  });

  it('refuses another key, a changed byte, a cut text and plain text', () => {
    const sealed = box.seal('s3cret');
    const flipped = sealed.slice(0, 10) + (sealed[10] === 'A' ? 'B' : 'A') + sealed.slice(11);
    const other = new SecretBox(parseSecretKey(generateSecretKey()));
    for (const [opener, text] of [[other, sealed], [box, flipped], [box, sealed.slice(0, 20)], [box, 's3cret'], [box, 'v2.abcd']] as const) {
      expect(() => opener.open(text)).toThrow(SecretUnreadable);
    }
  });
});

describe('parseSecretKey', () => {
  it('takes 32 bytes as base64 or hex', () => {
    const hex = '00112233445566778899aabbccddeeff'.repeat(2);
    expect(parseSecretKey(hex)).toEqual(Buffer.from(hex, 'hex'));
    expect(parseSecretKey(Buffer.from(hex, 'hex').toString('base64'))).toEqual(Buffer.from(hex, 'hex'));
  });

  it.each([undefined, '', 'short', 'g'.repeat(64), Buffer.alloc(31).toString('base64')])('refuses %p without repeating it', (value) => {
    expect(() => parseSecretKey(value)).toThrow(/^DIALFLEET_SECRET_KEY must be 32 bytes/);
  });
});
