const digits: Readonly<Record<string, string>> = {
  zero: '0', oh: '0', o: '0', nought: '0', nil: '0', one: '1', two: '2', three: '3', four: '4', five: '5', six: '6', seven: '7', eight: '8', nine: '9',
  ten: '10', eleven: '11', twelve: '12', thirteen: '13', fourteen: '14', fifteen: '15', sixteen: '16', seventeen: '17', eighteen: '18', nineteen: '19',
};
const tens: Readonly<Record<string, string>> = { twenty: '2', thirty: '3', forty: '4', fourty: '4', fifty: '5', sixty: '6', seventy: '7', eighty: '8', ninety: '9' };
/** What recognisers write for digits; read so only between digits. */
const soundsLike: Readonly<Record<string, string>> = { to: '2', too: '2', for: '4', fore: '4', ate: '8', won: '1', tree: '3', sex: '6', fife: '5', niner: '9', owe: '0', ow: '0', or: '0' };
const fillers = new Set(['and', 'uh', 'um', 'er', 'then', 'dash', 'hyphen', 'minus', 'area', 'code', 'extension', 'ah', 'okay', 'is', 'its', 'it']);
const repeats: Readonly<Record<string, number>> = { double: 2, triple: 3 };

interface Run { digits: string; plus: boolean }

/**
 * The longest run of digits in a spoken text: "double five oh three" → "5503", "four fifteen, five five five" → "415555",
 * "eight hundred" → "800". A leading "+" is kept.
 */
export function spokenDigits(text: string): string {
  const runs: Run[] = [{ digits: '', plus: false }];
  const words = text.toLowerCase().replace(/\bplus\b/g, '+').replace(/\+/g, ' + ').replace(/[^a-z0-9+]+/g, ' ').trim().split(' ');
  for (let i = 0; i < words.length; i++) i += readWord(words, i, runs) - 1;
  const longest = runs.reduce((best, run) => (run.digits.length > best.digits.length ? run : best));
  return (longest.plus ? '+' : '') + longest.digits;
}

/** Reads the word at `at` into the last run, or ends that run. Returns how many words it took. */
function readWord(words: readonly string[], at: number, runs: Run[]): number {
  const run = runs[runs.length - 1];
  const found = plainDigits(words[at], words[at + 1] ?? '') ?? (run.digits === '' ? undefined : insideRun(words[at], words[at + 1] ?? ''));
  if (found) run.digits += found.digits;
  else runs.push({ digits: '', plus: words[at] === '+' });
  return found?.words ?? 1;
}

interface Read { digits: string; words: number }

function plainDigits(word: string, next: string): Read | undefined {
  if (/^\d+$/.test(word)) return { digits: word, words: 1 };
  if (Object.hasOwn(repeats, word) && single(next) !== '') return { digits: single(next).repeat(repeats[word]), words: 2 };
  if (Object.hasOwn(digits, word)) return { digits: digits[word], words: 1 };
  if (!Object.hasOwn(tens, word)) return undefined;
  const unit = single(next);
  return unit !== '' && unit !== '0' ? { digits: tens[word] + unit, words: 2 } : { digits: `${tens[word]}0`, words: 1 };
}

/** Words that mean digits, or nothing, only once a number has begun. */
function insideRun(word: string, next: string): Read | undefined {
  if (word === 'hundred') return { digits: '00', words: 1 };
  if (word === 'thousand') return { digits: '000', words: 1 };
  if (Object.hasOwn(soundsLike, word) && isDigitWord(next)) return { digits: soundsLike[word], words: 1 };
  return fillers.has(word) ? { digits: '', words: 1 } : undefined;
}

/** One digit, as a figure or a word; else ''. */
function single(word: string): string {
  const figure = Object.hasOwn(digits, word) ? digits[word] : word;
  return /^\d$/.test(figure) ? figure : '';
}
const isDigitWord = (word: string): boolean => /^\d+$/.test(word) || [digits, tens, repeats, soundsLike].some((table) => Object.hasOwn(table, word));

/** ITU-T E.164: at most 15 digits; fewer than 7 are no subscriber number. */
export function spokenPhoneNumber(text: string): string | undefined {
  const found = spokenDigits(text);
  const count = found.replace('+', '').length;
  return count >= 7 && count <= 15 ? found : undefined;
}

/** "4155550123" → "4 1 5, 5 5 5, 0 1 2 3": digit by digit, in groups, as a voice should read it. */
export function speakDigits(number: string): string {
  const plain = number.replace(/^\+/, '');
  const groups = plain.match(/\d{3}(?=\d{3})|\d+/g) ?? [];
  return groups.map((group) => [...group].join(' ')).join(', ');
}
