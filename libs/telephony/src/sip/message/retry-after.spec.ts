import { describe, expect, it } from '@jest/globals';
import { retryAfterMs } from './retry-after.js';

describe('retryAfterMs', () => {
  it.each([['120', 120_000], ['18 (in a meeting)', 18_000], ['30;duration=60', 30_000], ['999999', 300_000], ['0', 0]])('reads %j as %d ms', (value, ms) => {
    expect(retryAfterMs({ getHeader: () => value })).toBe(ms);
  });

  it.each([[undefined], [''], ['soon'], ['-5'], ['12x']])('reads nothing from %j', (value) => { expect(retryAfterMs({ getHeader: () => value })).toBeUndefined(); });
});
