import type { SlotType } from '@dialfleet/bot';
import type { DateTime } from 'luxon';
import type { Grammar } from './grammar.js';
import { knownIntents } from './known-intents.js';
import { likeness, phraseOf, type Phrase } from './phrase-matcher.js';
import { speakDate, speakTime, spokenMoment } from './spoken-dates.js';
import { speakDigits, spokenPhoneNumber } from './spoken-digits.js';

export type SlotValue = string | number | boolean;

/** A value understood: as noted, and as the bot says it back. */
export interface FilledSlot { value: SlotValue; spoken: string }

/** What the text holds of a slot's type; undefined when nothing. `now` in the bot's time zone. */
export function readSlot(type: SlotType, text: string, now: DateTime, grammar: Grammar): FilledSlot | undefined {
  switch (type) {
    case 'text': return textValue(text);
    case 'yes_no': return yesNoValue(text);
    case 'number': return numberValue(text, grammar);
    case 'phone_number': return phoneValue(text);
    case 'date': return dateValue(text, now, grammar);
    case 'time': return timeValue(text, now, grammar);
    case 'datetime': return dateTimeValue(text, now, grammar);
  }
}

function textValue(text: string): FilledSlot | undefined {
  const value = text.trim();
  return value === '' ? undefined : { value, spoken: value };
}

const [yes, no] = [knownIntents['yes'], knownIntents['no']].map((examples) => examples.map(phraseOf));
const best = (heard: Phrase, examples: readonly Phrase[]): number => Math.max(...examples.map((example) => likeness(heard, example)));

function yesNoValue(text: string): FilledSlot | undefined {
  const heard = phraseOf(text);
  const [yesScore, noScore] = [best(heard, yes), best(heard, no)];
  if (Math.max(yesScore, noScore) < 0.55 || yesScore === noScore) return undefined;
  return yesScore > noScore ? { value: true, spoken: 'yes' } : { value: false, spoken: 'no' };
}

function numberValue(text: string, grammar: Grammar): FilledSlot | undefined {
  const value = grammar.numbers(text.toLowerCase()).at(0);
  return value === undefined ? undefined : { value, spoken: String(value) };
}

function phoneValue(text: string): FilledSlot | undefined {
  const value = spokenPhoneNumber(text);
  return value === undefined ? undefined : { value, spoken: speakDigits(value) };
}

function dateValue(text: string, now: DateTime, grammar: Grammar): FilledSlot | undefined {
  const { date } = spokenMoment(text, now, grammar);
  return date === null ? undefined : { value: date, spoken: speakDate(date) };
}

function timeValue(text: string, now: DateTime, grammar: Grammar): FilledSlot | undefined {
  const { time } = spokenMoment(bareHour(text), now, grammar);
  return time === null ? undefined : { value: time, spoken: speakTime(time) };
}

/** "Five." as the answer to "At what time?". */
const bareHour = (text: string): string =>
  text.replace(/^\s*((?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)|\d{1,2})[.!]?\s*$/i, 'at $1');

function dateTimeValue(text: string, now: DateTime, grammar: Grammar): FilledSlot | undefined {
  const { date, time } = spokenMoment(text, now, grammar);
  if (time === null) return undefined;
  const day = date ?? (time > now.toFormat('HH:mm') ? now : now.plus({ days: 1 })).toISODate() ?? '';
  return { value: `${day}T${time}`, spoken: `${speakDate(day)} at ${speakTime(time)}` };
}

const dateHints = ['today', 'tomorrow', 'next week', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'on Monday', 'on Tuesday', 'on Wednesday', 'on Thursday', 'on Friday'];
/** Likely answers in words. */
export const slotHints: Readonly<Record<SlotType, readonly string[]>> = {
  yes_no: ['yes', 'no', 'yes please', 'no thank you'], date: dateHints, datetime: [], time: ['at nine', 'at ten', 'at noon', 'at two', 'at three', 'at four', 'at five', 'in the morning', 'in the afternoon'],
  number: ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'], phone_number: [], text: [],
};
