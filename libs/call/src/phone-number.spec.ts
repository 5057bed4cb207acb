import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { destinationAllowed, dialUser, DIAL_FORMAT, normaliseNumber } from './phone-number.js';

describe('normaliseNumber', () => {
  it.each([
    ['+1 (415) 555-0123', {}, '+14155550123'],
    ['(415) 555-0123', { defaultCountry: 'US' }, '+14155550123'],
    ['098765 43210', { defaultCountry: 'IN' }, '+919876543210'],
    ['1000', {}, '1000'],
    ['echo-1', { allowSipUser: true }, 'echo-1'],
  ])('%s → %s', (raw, rules, value) => { expect(normaliseNumber(raw, rules)).toEqual({ ok: true, value }); });

  it.each(['', '+', 'echo-1', '+1415555\r\nX: y', '+1415@evil', '12;ext=3', '+14155550123456789', 'sip:bob@x', '٣٤٥٦٧٨٩٠'])(
    'refuses %j', (raw) => { expect(normaliseNumber(raw).ok).toBe(false); });

  it('never lets a character through that could end a header or a URI user part', () => {
    fc.assert(fc.property(fc.string(), fc.boolean(), (raw, allowSipUser) => {
      const result = normaliseNumber(raw, { allowSipUser });
      if (result.ok) expect(result.value).toMatch(/^[A-Za-z0-9+_.!~*'-]+$/);
    }));
  });
});

describe('dial formats', () => {
  it.each([['{e164}', '+14155550123'], ['{digits}', '14155550123'], ['{national}', '4155550123'], ['9{national}', '94155550123'], ['00{digits}', '0014155550123']])(
    '%s → %s', (format, user) => { expect(DIAL_FORMAT.test(format)).toBe(true); expect(dialUser('+14155550123', format)).toBe(user); });
  it('leaves SIP users alone', () => { expect(dialUser('echo-1', '9{national}')).toBe('echo-1'); });
  it.each(['{e164}\r\nX: 1', '', 'abc', '{e164}@evil', '{foo}'])('refuses the format %j', (format) => { expect(DIAL_FORMAT.test(format)).toBe(false); });
});

describe('destinationAllowed', () => {
  it('compares digits, whatever the notation', () => {
    expect(destinationAllowed('+14155550123', [])).toBe(true);
    expect(destinationAllowed('+14155550123', ['+44', '1415'])).toBe(true);
    expect(destinationAllowed('+14155550123', ['+44'])).toBe(false);
  });
});
