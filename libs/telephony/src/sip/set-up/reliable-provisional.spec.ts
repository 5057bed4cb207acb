import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { VirtualClock } from '@dialfleet/kit';
import { AcknowledgedProvisionals, ReliableProvisionals, reliableSequence } from './reliable-provisional.js';

const message = (headers: Record<string, string[]>) => ({ getHeader: (name: string) => headers[name]?.[0], getHeaders: (name: string) => headers[name] ?? [] });

describe('reliableSequence', () => {
  it.each([
    [{ require: ['100rel'], rseq: ['7'] }, 7], [{ require: ['timer', 'precondition, 100REL'], rseq: [' 8 '] }, 8], [{ require: ['100rel'] }, undefined], [{ rseq: ['7'] }, undefined],
    [{ require: ['100rel'], rseq: ['0'] }, undefined], [{ require: ['100rel'], rseq: ['x'] }, undefined], [{ require: ['x100rel'], rseq: ['7'] }, undefined],
  ])('%j → %p', (headers, expected) => { expect(reliableSequence(message(headers as Record<string, string[]>))).toBe(expected); });
});

describe('AcknowledgedProvisionals', () => {
  it('takes each once and in order, every dialog for itself, whatever the network repeats or swaps', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 6 }))), (arrivals) => {
      const seen = new AcknowledgedProvisionals();
      const taken: Record<string, number[]> = { a: [], b: [] };
      for (const [tag, rseq] of arrivals) if (seen.isNext(tag, rseq)) taken[tag].push(rseq);
      for (const list of Object.values(taken)) expect(list).toEqual(list.map((_, i) => list[0] + i));
    }));
  });
});

describe('ReliableProvisionals', () => {
  let clock: VirtualClock;
  let sent: string[];
  let givenUp: number;
  let reliable: ReliableProvisionals;
  const send = (name: string, hasDescription = false): void => { reliable.send({ transmit: (headers) => { sent.push(`${name} ${headers.join(', ')}`); }, hasDescription }); };
  const prack = (rack: string): boolean => {
    const awaited = reliable.isAwaited(rack);
    if (awaited) reliable.acknowledged();
    return awaited;
  };
  beforeEach(() => {
    [clock, sent, givenUp] = [new VirtualClock(), [], 0];
    reliable = new ReliableProvisionals(clock, 3, () => { givenUp++; }, 100);
  });

  it('repeats from half a second on, twice as long each time, until the PRACK', () => {
    send('180');
    for (const [at, count] of [[499, 1], [500, 2], [1_499, 2], [1_500, 3], [3_500, 4]] as const) {
      clock.advance(at - clock.monotonicMs());
      expect([at, sent.length]).toEqual([at, count]);
    }
    expect(prack('100 3 INVITE')).toBe(true);
    clock.advance(64_000);
    expect([new Set(sent), sent.length, givenUp]).toEqual([new Set(['180 Require: 100rel, RSeq: 100']), 4, 0]);
  });

  it.each(['101 3 INVITE', '100 4 INVITE', '100 3 BYE', '100', '', 'x 3 INVITE', undefined])('knows no PRACK for %j', (rack) => {
    send('180');
    expect(reliable.isAwaited(rack)).toBe(false);
  });

  it('knows a PRACK once', () => {
    send('180');
    expect([prack('100 3 INVITE'), prack('100 3 INVITE')]).toEqual([true, false]);
  });

  it('sends one at a time, in order', () => {
    send('183');
    send('180');
    expect(sent).toEqual(['183 Require: 100rel, RSeq: 100']);
    prack('100 3 INVITE');
    expect(sent).toEqual(['183 Require: 100rel, RSeq: 100', '180 Require: 100rel, RSeq: 101']);
  });

  it('gives up after 32 s without a PRACK', () => {
    send('180');
    clock.advance(31_999);
    expect(givenUp).toBe(0);
    clock.advance(1);
    expect(givenUp).toBe(1);
    const count = sent.length;
    clock.advance(64_000);
    expect([sent.length, givenUp]).toEqual([count, 1]);
  });

  it('holds the answer back while a description is under way, and drops what would come after it', () => {
    let answered = 0;
    send('183', true);
    send('180');
    reliable.beforeAnswer(() => { answered++; reliable.finish(); });
    expect(answered).toBe(0);
    prack('100 3 INVITE');
    clock.advance(64_000);
    expect([answered, sent, givenUp]).toEqual([1, ['183 Require: 100rel, RSeq: 100'], 0]);
  });

  it('lets the answer pass a response without a description, whose PRACK may still come', () => {
    let answered = 0;
    send('180');
    reliable.beforeAnswer(() => { answered++; reliable.finish(); });
    clock.advance(64_000);
    expect([answered, sent.length, givenUp, prack('100 3 INVITE')]).toEqual([1, 1, 0, true]);
  });

  it('has at most one response under way, each number used for one response, whatever happens', () => {
    const step = fc.oneof(fc.record({ send: fc.constantFrom('180', '183') }), fc.record({ advance: fc.integer({ min: 1, max: 3_000 }) }), fc.record({ prack: fc.integer({ min: 99, max: 106 }) }), fc.constant({ answer: true }), fc.constant({ finish: true }));
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      [clock, sent, givenUp] = [new VirtualClock(), [], 0];
      reliable = new ReliableProvisionals(clock, 3, () => { givenUp++; }, 100);
      let finished = false;
      let order = 0;
      for (const taken of steps) {
        if ('send' in taken) send(`${taken.send}-${order++}`, taken.send === '183');
        else if ('advance' in taken) clock.advance(taken.advance);
        else if ('prack' in taken) prack(`${taken.prack} 3 INVITE`);
        else if ('answer' in taken) reliable.beforeAnswer(() => undefined);
        else { finished = true; reliable.finish(); }
        const count = sent.length;
        if (finished) { clock.advance(4_000); expect(sent).toHaveLength(count); }
      }
      const numbers = sent.map((line) => Number(/RSeq: (\d+)/.exec(line)?.[1]));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      const byNumber = new Map(sent.map((line, i) => [numbers[i], line]));
      for (const [i, line] of sent.entries()) expect(line).toBe(byNumber.get(numbers[i]));
      expect(givenUp).toBeLessThanOrEqual(1);
    }), { numRuns: 200 });
  });
});
