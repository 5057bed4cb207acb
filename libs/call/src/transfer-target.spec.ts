import { describe, expect, it } from '@jest/globals';
import { readTransferTarget } from './transfer-target.js';

describe('the target of a transfer', () => {
  const german = { format: '00{digits}', allowedPrefixes: ['+49'], defaultCountry: 'DE' };

  it('is read and written as the trunk has its numbers', () => {
    expect(readTransferTarget('030 1234567', german)).toEqual({ ok: true, value: { number: '+49301234567', dialUser: '0049301234567' } });
    expect(readTransferTarget('+1 415 555 0123')).toEqual({ ok: true, value: { number: '+14155550123', dialUser: '+14155550123' } });
  });

  it('is nothing that the trunk may not call, and nothing that could be more than a number', () => {
    expect(readTransferTarget('+14155550123', german)).toMatchObject({ ok: false, code: 'destination_blocked' });
    for (const raw of ['sip:+49301@evil.example', '+4930\r\nX: y', 'alice', '']) expect(readTransferTarget(raw, german)).toMatchObject({ ok: false, code: 'invalid_number' });
    expect(readTransferTarget('alice', { ...german, allowedPrefixes: [], allowSipUser: true })).toMatchObject({ ok: true, value: { dialUser: 'alice' } });
  });
});
