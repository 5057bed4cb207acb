import { describe, expect, it } from '@jest/globals';
import { spokenSoFar } from './spoken-so-far.js';

const answeredAt = new Date('2026-01-05T10:00:00.000Z');
const event = (seq: number, type: string, data: Record<string, unknown> = {}) => ({ seq, at: new Date(answeredAt.getTime() + seq * 1000), type, data });

describe('the transcript of a running call', () => {
  it('dates each turn at its beginning', () => {
    expect(spokenSoFar([event(1, 'call.answered'), event(2, 'turn.bot', { text: 'Hello', offset_ms: 120 }), event(7, 'turn.customer', { text: 'Hi', offset_ms: 4100 })], answeredAt)).toEqual([
      { speaker: 'bot', text: 'Hello', timestamp: '2026-01-05T10:00:00.120Z', offset_ms: 120, interrupted: false },
      { speaker: 'customer', text: 'Hi', timestamp: '2026-01-05T10:00:04.100Z', offset_ms: 4100, interrupted: false },
    ]);
  });

  it('has the time of the event where it knows no better', () => {
    expect(spokenSoFar([event(3, 'turn.bot', { text: 'Hello' })], null)).toMatchObject([{ timestamp: '2026-01-05T10:00:03.000Z', offset_ms: null }]);
  });

  it('cuts the bot to what was heard, and joins a customer who goes on', () => {
    expect(spokenSoFar([
      event(1, 'turn.bot', { text: 'Hello, this is Ava. Will you come?', offset_ms: 10 }), event(2, 'turn.interrupted', { text: 'Hello, this', offset_ms: 12 }),
      event(3, 'turn.customer', { text: 'My number is', offset_ms: 900 }), event(4, 'turn.customer', { text: 'My number is 555', offset_ms: 900 }),
      event(5, 'turn.bot', { text: 'Thank you', offset_ms: 5000 }), event(6, 'turn.interrupted', { text: '', offset_ms: 5000 }),
    ], answeredAt).map(({ speaker, text, interrupted }) => [speaker, text, interrupted])).toEqual([['bot', 'Hello, this', true], ['customer', 'My number is 555', false]]);
  });
});
