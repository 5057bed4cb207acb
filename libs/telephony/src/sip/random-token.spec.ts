import { describe, expect, it } from '@jest/globals';
import { randomToken } from './random-token.js';

describe('randomToken', () => {
  it('never gives the same bytes twice, over many pools', () => {
    const tokens = Array.from({ length: 5_000 }, () => randomToken(15));
    expect(new Set(tokens).size).toBe(5_000);
    for (const token of tokens.slice(0, 400)) expect(token).toMatch(/^[0-9a-f]{30}$/);
    // Neighbours share no bytes either.
    expect(new Set(tokens.flatMap((token) => [token.slice(0, 14), token.slice(16)])).size).toBe(10_000);
  });

  it('writes them as asked', () => {
    expect(randomToken(12, 'base64url')).toMatch(/^[A-Za-z0-9_-]{16}$/);
  });
});
