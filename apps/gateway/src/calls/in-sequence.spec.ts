import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InSequence } from './in-sequence.js';

const numbers = (events: { seq: number }[]): number[] => events.map(({ seq }) => seq);

describe('InSequence', () => {
  it('lets each event out once and in order, however they come', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 5 }), fc.array(fc.integer({ min: 1, max: 12 })), (last, arrivals) => {
      const sequence = new InSequence(last);
      const all = Array.from({ length: 12 }, (_, i) => i + 1);
      expect(numbers([...arrivals, ...all].flatMap((seq) => sequence.take({ seq })))).toEqual(all.slice(last));
      expect(sequence.isWaiting).toBe(false);
    }));
  });

  it('waits for what is missing, until it is told to give up', () => {
    const sequence = new InSequence(0);
    expect(numbers([{ seq: 3 }, { seq: 2 }].flatMap((event) => sequence.take(event)))).toEqual([]);
    expect(sequence.isWaiting).toBe(true);
    expect(numbers(sequence.takeRest())).toEqual([2, 3]);
    expect(numbers(sequence.take({ seq: 1 }))).toEqual([]);
    expect(numbers(sequence.take({ seq: 4 }))).toEqual([4]);
  });
});
