import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ByteLruCache } from './byte-lru-cache.js';

describe('cache by bytes', () => {
  it('drops what was used least recently', () => {
    const cache = new ByteLruCache<Uint8Array>(32);
    for (const key of 'abcdefgh') cache.set(key, new Uint8Array(4));
    cache.get('a');
    cache.set('i', new Uint8Array(4));
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('a')).toHaveLength(4);
  });
  it('does not let one large value drive out the rest', () => {
    const cache = new ByteLruCache<Uint8Array>(32);
    cache.set('a', new Uint8Array(4));
    cache.set('large', new Uint8Array(20));
    expect([cache.get('a')?.length, cache.get('large')]).toEqual([4, undefined]);
  });
  it('never holds more than its budget, and counts right', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...'abcdefghijkl'), fc.integer({ min: 0, max: 14 }))), (puts) => {
      const cache = new ByteLruCache<Uint8Array>(100);
      for (const [key, bytes] of puts) {
        cache.set(key, new Uint8Array(bytes));
        const held = [...'abcdefghijkl'].reduce((sum, each) => sum + (cache.get(each)?.byteLength ?? 0), 0);
        expect(cache.byteLength).toBe(held);
        expect(held).toBeLessThanOrEqual(100);
      }
    }));
  });
});
