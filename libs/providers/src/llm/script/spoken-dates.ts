import { DateTime } from 'luxon';
import type { FoundMoment, Grammar, MomentValue } from './grammar.js';

/** A moment or part of one that was said; `null` where nothing was said of it. Wall clock of the given zone. */
export interface SpokenMoment { date: string | null; time: string | null }

/** People who say "at five" mean the afternoon: hours before this one are taken as p.m. when nothing was said. */
const FIRST_MORNING_HOUR = 8;
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
/** "Friday the 27th": how far ahead the two may agree. */
const MAX_DAYS_AHEAD = 200;

/** The first date and time in the text, in the future as seen from `now`. */
export function spokenMoment(text: string, now: DateTime, grammar: Grammar): SpokenMoment {
  const plain = tidy(text);
  // The grammar reads the reference's local fields: give it the zone's wall clock.
  const found = grammar.moments(plain, new Date(now.year, now.month - 1, now.day, now.hour, now.minute));
  const date = weekdayAndDay(plain, now) ?? first(found, (one) => dateOf(one, now)) ?? dayOfMonth(plain, now) ?? weeksAhead(found, plain, now);
  return { date, time: first(found, timeOf) };
}

/** "Friday, November 27". */
export const speakDate = (isoDate: string): string => DateTime.fromISO(isoDate).setLocale('en').toFormat('cccc, LLLL d');
/** "5 PM", "5:30 PM". */
export const speakTime = (time: string): string => DateTime.fromISO(`2000-01-01T${time}`).setLocale('en').toFormat(time.endsWith(':00') ? 'h a' : 'h:mm a');

const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth', 'eleventh', 'twelfth', 'thirteenth', 'fourteenth', 'fifteenth',
  'sixteenth', 'seventeenth', 'eighteenth', 'nineteenth', 'twentieth', 'twenty first', 'twenty second', 'twenty third', 'twenty fourth', 'twenty fifth', 'twenty sixth',
  'twenty seventh', 'twenty eighth', 'twenty ninth', 'thirtieth', 'thirty first'];
/** Longest first, so that "twenty seventh" is not read as "seventh"; "a second" is none. */
const ordinalWords = new RegExp(`(?<!\\b(?:a|one) )\\b(?:${[...ordinals].sort((a, b) => b.length - a.length).map((words) => words.replace(' ', '[ -]')).join('|')})\\b`, 'g');

/** Spellings of recognisers that the grammar does not know, and days of the month as figures. */
const tidy = (text: string): string => text.toLowerCase()
  .replace(ordinalWords, (words) => `${ordinals.indexOf(words.replace('-', ' ')) + 1}th`).replace(/\bto-\s?(morrow|day|night)\b/g, 'to$1').replace(/\bo'?\s?clock\b/g, "o'clock").replace(/[.!?]+$/g, '').replace(/\s+/g, ' ');

function dateOf({ type, values }: FoundMoment, now: DateTime): string | null {
  if (!type.startsWith('date')) return null;
  const today = now.toISODate() ?? '';
  const dates = values.flatMap(({ timex, value, start }) => {
    // "I am busy right now" names no day.
    if (timex === 'PRESENT_REF') return [];
    const date = (value ?? start ?? '').slice(0, 10);
    if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return [];
    // A range that has begun ("this week") begins today; a bare weekday is never today.
    if (type.endsWith('range') && date < today && !timex.startsWith('XXXX')) return [today];
    return date > today || (date === today && !timex.startsWith('XXXX-WXX')) ? [date] : [];
  });
  return dates.sort()[0] ?? weekAfter(values, today);
}

/** "Wednesday" said on a Wednesday: the next one. */
function weekAfter(values: readonly MomentValue[], today: string): string | null {
  const sameDay = values.some(({ timex, value, start }) => timex.startsWith('XXXX-WXX') && (value ?? start ?? '').startsWith(today));
  return sameDay ? DateTime.fromISO(today).plus({ weeks: 1 }).toISODate() : null;
}

function timeOf({ type, values }: FoundMoment): string | null {
  const times = [...new Set(values.flatMap(({ timex, value, start }) => (timex === 'PRESENT_REF' ? [] : /(\d{2}:\d{2})(?::\d{2})?$/.exec(value ?? start ?? '')?.[1] ?? [])))];
  if (!type.includes('time') || times.length === 0) return null;
  const [morning, evening] = times.sort();
  return evening !== undefined && Number(morning.slice(0, 2)) < FIRST_MORNING_HOUR ? evening : morning;
}

/** "Friday the 27th": the next day that is both, since the grammar would ignore the number. */
function weekdayAndDay(text: string, now: DateTime): string | null {
  const match = /\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday),? (?:the )?(\d{1,2})(?:st|nd|rd|th)\b/.exec(text);
  if (!match) return null;
  for (let ahead = 0; ahead <= MAX_DAYS_AHEAD; ahead++) {
    const day = now.plus({ days: ahead });
    if (day.day === Number(match[2]) && day.weekday === WEEKDAYS.indexOf(match[1]) + 1) return day.toISODate();
  }
  return null;
}

/** "The 27th", of this month or the next that has it. */
function dayOfMonth(text: string, now: DateTime): string | null {
  const day = Number(/(?:^|\b(?:the|on|by) )(\d{1,2})(?:st|nd|rd|th)\b/.exec(text)?.[1] ?? 0);
  if (day < 1 || day > 31) return null;
  for (let ahead = 0; ahead <= 62; ahead++) {
    const candidate = now.plus({ days: ahead });
    if (candidate.day === day) return candidate.toISODate();
  }
  return null;
}

/** "In a week": the grammar sees only how long. */
function weeksAhead(found: readonly FoundMoment[], text: string, now: DateTime): string | null {
  const length = found.find((one) => one.type === 'duration' && text.includes(`in ${one.text}`));
  const days = Math.round(Number(length?.values[0]?.value ?? 0) / 86_400);
  return days >= 1 ? now.plus({ days }).toISODate() : null;
}

function first<T>(found: readonly FoundMoment[], read: (one: FoundMoment) => T | null): T | null {
  for (const one of found) {
    const value = read(one);
    if (value !== null) return value;
  }
  return null;
}
