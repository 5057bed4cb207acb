import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@dialfleet/kit';
import fc from 'fast-check';
import { orderSrv } from './srv-order.js';

const record = fc.record({ priority: fc.nat(3), weight: fc.nat(65_535), name: fc.string() });

describe('orderSrv', () => {
  it('keeps every record, and priorities in order', () => {
    fc.assert(fc.property(fc.array(record, { maxLength: 12 }), fc.nat(), (records, seed) => {
      const ordered = orderSrv(records, seededRandom(seed));
      expect([ordered.length, new Set(ordered)]).toEqual([records.length, new Set(records)]);
      expect(ordered.map(({ priority }) => priority)).toEqual(records.map(({ priority }) => priority).sort((a, b) => a - b));
    }));
  });

  it('draws by weight, those without one hardly ever first (RFC 2782)', () => {
    const random = seededRandom(11);
    const records = [{ name: 'none', priority: 1, weight: 0 }, { name: 'light', priority: 1, weight: 20 }, { name: 'heavy', priority: 1, weight: 60 }];
    const first = { none: 0, light: 0, heavy: 0 };
    for (let i = 0; i < 4_000; i++) first[orderSrv(records, random)[0].name as keyof typeof first]++;
    expect(first.heavy / first.light).toBeGreaterThan(2.5);
    expect(first.heavy / first.light).toBeLessThan(3.5);
    expect(first.none / 4_000).toBeLessThan(0.03);
  });
});
