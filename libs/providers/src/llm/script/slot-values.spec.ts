import { beforeAll, describe, expect, it } from '@jest/globals';
import { DateTime } from 'luxon';
import fc from 'fast-check';
import { loadGrammar, type Grammar } from './grammar.js';
import { readSlot } from './slot-values.js';

// A Wednesday.
const now = DateTime.fromISO('2026-11-18T10:00', { zone: 'America/New_York' });
let grammar: Grammar;
beforeAll(async () => { grammar = await loadGrammar(); });
const value = (type: Parameters<typeof readSlot>[0], text: string, at = now): unknown => readSlot(type, text, at, grammar)?.value;

describe('dates', () => {
  it.each([
    ['tomorrow', '2026-11-19'], ['To-morrow.', '2026-11-19'], ['call me tomorrow at five', '2026-11-19'], ['next Friday', '2026-11-27'], ['this friday', '2026-11-20'],
    ['on Friday', '2026-11-20'], ['Friday the 27th', '2026-11-27'], ['Friday, the 27th.', '2026-11-27'], ['Wednesday', '2026-11-25'], ['Friday the twenty-seventh, please', '2026-11-27'], ['On the twenty seventh.', '2026-11-27'], ['the first of December', '2026-12-01'], ['March third', '2027-03-03'], ['November the twenty-first', '2026-11-21'], ['the twenty third of march', '2027-03-23'],
    ['November twenty third', '2026-11-23'], ['the 27th', '2026-11-27'], ['on the 3rd', '2026-12-03'], ['next Monday afternoon works for me', '2026-11-23'], ['the day after tomorrow', '2026-11-20'],
    ['in two days', '2026-11-20'], ['in a week', '2026-11-25'], ['two weeks from now', '2026-12-02'], ['sometime next week', '2026-11-23'], ['this weekend', '2026-11-21'], ['Monday or Tuesday', '2026-11-23'],
    ['February 3rd', '2027-02-03'], ['today', '2026-11-18'], ['12/5', '2026-12-05'], ['How about Thursday?', '2026-11-19'],
  ])('"%s" → %s', (text, date) => { expect(value('date', text)).toBe(date); });
  it.each(['yesterday', 'just a second please', 'I am busy right now', 'yes please', 'four one five five five five', 'I do not know', ''])('"%s" is none', (text) => { expect(value('date', text)).toBeUndefined(); });

  it('is seen from the call\'s time zone', () => {
    const late = DateTime.fromISO('2026-11-18T23:30', { zone: 'America/Los_Angeles' });
    expect(value('date', 'tomorrow', late)).toBe('2026-11-19');
    expect(value('date', 'tomorrow', late.setZone('Asia/Tokyo'))).toBe('2026-11-20');
  });

  it('"Friday the 27th" is the Friday that is the 27th, months ahead if need be', () => {
    expect(value('date', 'Friday the 27th', DateTime.fromISO('2026-01-05T10:00', { zone: 'utc' }))).toBe('2026-02-27');
  });

  it('is never in the past, whenever it is said', () => {
    const texts = ['tomorrow', 'on Friday', 'next Monday', 'the 5th', 'March 1st', 'in two days', 'Sunday', 'next week'];
    fc.assert(fc.property(fc.constantFrom(...texts), fc.integer({ min: 0, max: 2000 }), (text, days) => {
      const at = now.plus({ days });
      const date = value('date', text, at) as string;
      expect(date > (at.minus({ days: 1 }).toISODate() ?? '')).toBe(true);
      expect(date <= (at.plus({ days: 366 }).toISODate() ?? '')).toBe(true);
    }), { numRuns: 60 });
  });
});

describe('times and moments', () => {
  it.each([['at five', '17:00'], ['5 pm', '17:00'], ['Five.', '17:00'], ['nine thirty', '09:30'], ['half past three', '15:30'], ['quarter to six', '17:45'], ['noon', '12:00'], ['10 in the morning', '10:00'], ["eleven o'clock", '11:00'], ['17:30', '17:30'], ['in the afternoon', '12:00']])(
    '"%s" → %s', (text, time) => { expect(value('time', text)).toBe(time); });
  it.each([['tomorrow at five', '2026-11-19T17:00'], ['Friday at half past two', '2026-11-20T14:30'], ['next Monday at nine in the morning', '2026-11-23T09:00'], ['at eleven', '2026-11-18T11:00'], ['at nine', '2026-11-19T09:00']])(
    '"%s" → %s', (text, moment) => { expect(value('datetime', text)).toBe(moment); });
  it('a day without an hour is no moment', () => { expect(value('datetime', 'on Friday')).toBeUndefined(); });
});

describe('numbers, yes and no, text', () => {
  it.each([['two people for dinner', 2], ['twenty two', 22], ['I think 3', 3], ['a hundred and five', 105]])('"%s" → %d', (text, number) => { expect(value('number', text)).toBe(number); });
  it.each(['Yes.', 'Yeah sure', 'yup', 'Of course.', 'I think so', "That's right", 'that sounds good to me', 'No problem', 'um yes i think so'])('"%s" is yes', (text) => { expect(value('yes_no', text)).toBe(true); });
  it.each(['No.', 'nope', "No, I don't.", 'not really', "I don't think so", 'no it is not', 'Unfortunately not', 'nah', "I can't"])('"%s" is no', (text) => { expect(value('yes_no', text)).toBe(false); });
  it.each(['the weather is lovely', 'seventy two', ''])('"%s" is neither', (text) => { expect(value('yes_no', text)).toBeUndefined(); });
  it('text is the words', () => { expect(value('text', ' I like turtles. ')).toBe('I like turtles.'); expect(value('text', ' ')).toBeUndefined(); });
  it('is said back as people say it', () => {
    expect(readSlot('date', 'Friday the 27th', now, grammar)?.spoken).toBe('Friday, November 27');
    expect(readSlot('time', 'at five', now, grammar)?.spoken).toBe('5 PM');
    expect(readSlot('datetime', 'tomorrow at half past two', now, grammar)?.spoken).toBe('Thursday, November 19 at 2:30 PM');
  });
});
