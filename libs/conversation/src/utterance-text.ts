/** Words as people say them, lower case, without punctuation. */
export const wordsOf = (text: string): string[] =>
  text.toLowerCase().replace(/[’']/g, "'").replace(/[^\p{L}\p{N}'\s-]/gu, ' ').split(/[\s-]+/).filter(Boolean);

export const wordCount = (text: string): number => wordsOf(text).length;

const listening = new Set(['mhm', 'mhmm', 'mm', 'mmm', 'hm', 'hmm', 'uh', 'huh', 'uhhuh', 'aha', 'ah', 'oh', 'um', 'er', 'erm', 'mmhmm', 'hum']);
const agreeing = new Set(['yeah', 'yes', 'yep', 'yup', 'ya', 'okay', 'ok', 'right', 'sure', 'alright', 'all', 'good', 'great', 'fine', 'i', 'see', 'cool', 'got', 'it', 'exactly', 'true', 'really', 'wow', 'nice', 'perfect', 'of', 'course']);

/** Only sounds that say "I am listening": never an answer. */
export const isListeningSound = (text: string): boolean => wordsOf(text).every((word) => listening.has(word));

/** "mhmm", "okay", "yeah, right": said while another speaks, it means "go on". */
export function isBackChannel(text: string): boolean {
  const words = wordsOf(text);
  return words.length <= 5 && words.every((word) => listening.has(word) || agreeing.has(word));
}

/** Few words that mean "stop talking" whatever the rule about the number of words. */
const stopWords = /^(?:(?:no|please|hey|okay|ok)[\s,]+)*(?:stop|wait|hold on|hang on|excuse me|wrong number|one moment|one second|just a (?:moment|second|minute))\b/i;
export const asksToStop = (text: string): boolean => stopWords.test(text.trim());

const danglingWords = new Set(['and', 'but', 'or', 'so', 'because', 'the', 'a', 'an', 'to', 'my', 'your', 'is', 'are', 'at', 'on', 'of', 'for', 'with',
  'um', 'uh', 'er', 'if', 'maybe', "it's", "i'm", 'till', 'until', 'from', 'i']);
/** "Hold on", "go on", "it is": whole as they stand. */
const wholePhrase = /\b(?:(?:hold|go|hang|move|carry) on|(?:it|that|this|he|she) is|maybe)$/;
const digitWords = new Set(['zero', 'oh', 'o', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'double', 'triple']);
const isDigits = (word: string): boolean => digitWords.has(word) || /^\d+$/.test(word);
const digitCount = (words: readonly string[]): number => words.reduce((sum, word) => sum + (/^\d+$/.test(word) ? word.length : isDigits(word) ? 1 : 0), 0);

/** Fewer digits than any subscriber number of the North American plan: more may come. */
const COMPLETE_NUMBER_DIGITS = 10;

/** The speaker has probably not finished: a trailing "and", a comma, a number begun. `longAnswer`: a number was asked for. */
export function looksUnfinished(text: string, longAnswer: boolean): boolean {
  const trimmed = text.trim();
  if (/(?:,|\.\.\.|…|-)$/.test(trimmed)) return true;
  const words = wordsOf(trimmed);
  const last = words.at(-1);
  if (last === undefined || /\?$/.test(trimmed)) return false;
  if (isDigits(last)) return (longAnswer || words.length >= 3) && digitCount(words) >= (longAnswer ? 1 : 3) && digitCount(words) < COMPLETE_NUMBER_DIGITS;
  return words.length > 1 && danglingWords.has(last) && !wholePhrase.test(words.join(' '));
}

/** Two parts of one turn. */
export const joinTexts = (first: string, second: string): string =>
  [first.trim().replace(/(?:\.\.\.|…|[,.-])$/, second.trim() ? '' : '$&'), second.trim()].filter(Boolean).join(' ');
