import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createApiKey, parseApiKey, secretMatches } from './api-key.js';

describe('API keys', () => {
  it('have the documented form and verify against their hash', () => {
    const { id, key, secretHash, lastFour } = createApiKey();
    expect(key).toMatch(/^df_live_[0-9a-z]{12}_[A-Za-z0-9_-]{43}$/);
    const parsed = parseApiKey(key);
    expect(parsed).toMatchObject({ mode: 'live', id });
    expect(key.endsWith(lastFour)).toBe(true);
    expect(secretMatches(parsed!.secret, secretHash)).toBe(true);
    expect(secretMatches(parseApiKey(createApiKey().key)!.secret, secretHash)).toBe(false);
    expect(secretMatches(parsed!.secret, secretHash.subarray(1))).toBe(false);
  });

  it('have ids that sort by creation', () => {
    const ids = [0, 1, 59, 3600, 86_400].map((seconds) => createApiKey('live', (1_700_000_000 + seconds) * 1000).id);
    expect([...ids].sort()).toEqual(ids);
  });

  it('names the mode', () => { expect(parseApiKey(createApiKey('test').key)?.mode).toBe('test'); });

  it('reads nothing else as a key', () => {
    const { key } = createApiKey();
    for (const text of ['', key.slice(0, -1), `${key}x`, ` ${key}`, `${key}\n`, key.replace('live', 'prod'), key.toUpperCase()]) expect(parseApiKey(text)).toBeNull();
    fc.assert(fc.property(fc.string(), (text) => { expect(parseApiKey(text)).toBeNull(); }));
  });
});
