/**
 * How like two short phrases are, 0..1: shared words weighted by how much they say, tolerant of word forms, of one wrong
 * letter, and of what people add around the point. Made for a handful of candidates (the answers one step expects), where
 * it beats a classifier trained on everything.
 */
export interface Phrase {
  tokens: readonly string[];
  weight: number;
  negated: boolean;
  /** Has a "no", a "yes", a "who" or "what". */
  refuses: boolean;
  agrees: boolean;
  asks: boolean;
  /** Begins with its "yes" or "no". */
  leads: 'agrees' | 'refuses' | null;
}

const contractions: readonly (readonly [RegExp, string])[] = [
  [/\bto-?\s?(morrow|day|night)\b/g, 'to$1'], [/\bcan't\b|\bcannot\b/g, 'can not'], [/\bwon't\b/g, 'will not'], [/n't\b/g, ' not'], [/\bi'm\b/g, 'i am'],
  [/'re\b/g, ' are'], [/'ll\b/g, ' will'], [/'ve\b/g, ' have'], [/'d\b/g, ' would'], [/\b(it|that|there|he|she|what|who|where|how)'s\b/g, '$1 is'],
  [/\bgotta\b/g, 'got to'], [/\bwanna\b/g, 'want to'], [/\bgonna\b/g, 'going to'], [/\bo\.?k\.?(?=\s|$|[,!?])/g, 'okay'],
];

const CALL = '(?:do not|never|not to) (?:ever |please )?(?:call|ring|phone|contact|dial)';
/** Words that together mean what none of them does: one word, so that their parts are like nothing else. Not to be called now is to be called later. */
const setPhrases: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`\\b${CALL}(?: me| us)?(?= (?:right now|just now|now|at the moment|at work|today|tonight|so|this (?:early|late)|while|when|before|until)\\b)`, 'g'), 'call later'],
  [new RegExp(`\\b${CALL}\\b`, 'g'), 'nocall'],
  [/\b(?:no|not (?:really )?(?:have|got) (?:any |the |much |enough )?) ?time\b/g, 'notime'],
  [/^(?:maybe |please )?later(?: please)?$/g, 'call later'],
  [/\bi will be there\b/g, 'yes'],
  [/\bthere is no \w+ (?:here|(?:at|on|under) this number)\b/g, 'wrong number'],
];

const stopWords = new Set(`a an the and or but so to of for in on at by with from is are was am be been being do does did have has had i me my you your
  he she it we they them this that these those there here would could should will can may please just um uh er oh well like really very some any
  now then as if about up out get got go let us our want need think know sir madam mam maam hi hello hey one right`.split(/\s+/));

const agreeing = new Set(['yes', 'yeah', 'yep', 'yup', 'sure', 'okay', 'absolutely', 'certainly', 'definitely']);
const refusing = new Set(['no', 'nope', 'nah']);
const hesitating = new Set(['um', 'uh', 'er', 'oh', 'well', 'ah', 'hi', 'hello', 'and', 'so', 'sorry']);
const negating = new Set(['not', 'never', 'without', 'nothing', 'neither', 'nobody']);
const asking = new Set(['who', 'what', 'why', 'where', 'how', 'which', 'whose']);
const LIGHT = 0.1;
const INTERJECTION = 0.6;
/** "No, …" is first of all a no. */
const LEAD_BONUS = 0.15;

/** Words that come to the same where a customer speaks of calling, times and persons. */
const sameAs: Readonly<Record<string, string>> = {
  ring: 'call', phone: 'call', contact: 'call', dial: 'call', calling: 'call', quit: 'stop', somebody: 'someone', anybody: 'someone', anyone: 'someone',
  person: 'human', people: 'human', human: 'human', bot: 'robot', machine: 'robot', computer: 'robot', automated: 'robot', recording: 'robot', automatic: 'robot',
  representative: 'agent', operator: 'agent', representatives: 'agent', advisor: 'agent', colleague: 'agent',
  sec: 'moment', second: 'moment', minute: 'moment', min: 'moment', moments: 'moment', wait: 'hold', hang: 'hold',
  cost: 'price', charge: 'price', fee: 'price', expensive: 'price', pay: 'paid', paying: 'paid', payed: 'paid',
  regarding: 'regard', concerning: 'regard', speaking: 'speak', talk: 'speak', talking: 'speak', said: 'say', saying: 'say',
  tomorrow: 'when', later: 'when', evening: 'when', afternoon: 'when', morning: 'when', tonight: 'when', week: 'when', month: 'when', hour: 'when',
  day: 'when', time: 'when', monday: 'when', tuesday: 'when', wednesday: 'when', thursday: 'when', friday: 'when', saturday: 'when', sunday: 'when',
};

export function phraseOf(text: string): Phrase {
  const words = asSetPhrases(wordsIn(text));
  const tokens = [...new Set(words.map((word) => sameAs[word] ?? sameAs[stem(word)] ?? stem(word)))];
  return {
    tokens, weight: tokens.reduce((sum, token) => sum + weightOf(token), 0),
    negated: words.some((word) => negating.has(word)), refuses: words.some((word) => refusing.has(word)), agrees: words.some((word) => agreeing.has(word)),
    asks: words.some((word) => asking.has(word)), leads: leadOf(words),
  };
}

/** Lower-case words with contractions undone. */
export function wordsIn(text: string): string[] {
  let plain = text.toLowerCase().replace(/[’‘]/g, "'");
  for (const [pattern, replacement] of contractions) plain = plain.replace(pattern, replacement);
  return plain.replace(/[^\p{L}\p{N}]+/gu, ' ').trim().split(' ').filter(Boolean);
}

const asSetPhrases = (words: readonly string[]): string[] => setPhrases.reduce((text, [pattern, word]) => text.replace(pattern, word), words.join(' ')).split(' ').filter(Boolean);

/** How well `heard` fits `example`: all of the example should be there, and not too much besides. */
export function likeness(heard: Phrase, example: Phrase): number {
  if (example.weight === 0 || heard.weight === 0) return 0;
  const shared = example.tokens.reduce((sum, token) => sum + (heard.tokens.some((other) => sameWord(token, other)) ? weightOf(token) : 0), 0);
  // "I do" says little inside a long sentence; "wrong number" says all.
  const standsAlone = 0.55 * Math.min(1, example.weight / INTERJECTION);
  const score = (shared / example.weight) * (standsAlone + (1 - standsAlone) * Math.min(1, shared / heard.weight));
  const lead = heard.leads !== null && heard.leads === example.leads ? LEAD_BONUS : 0;
  return Math.min(1, score + lead) * contradiction(heard, example);
}

function leadOf(words: readonly string[]): Phrase['leads'] {
  const first = words.find((word) => !hesitating.has(word)) ?? '';
  return agreeing.has(first) ? 'agrees' : refusing.has(first) ? 'refuses' : null;
}

/** The same words with the opposite sense, or asked instead of said. */
function contradiction(heard: Phrase, example: Phrase): number {
  const sense = heard.negated !== example.negated && !(heard.refuses && example.refuses) ? 0.5 : 1;
  const attitude = (heard.refuses && example.agrees && !heard.agrees) || (heard.agrees && example.refuses && !heard.refuses) ? 0.6 : 1;
  return sense * attitude * (heard.asks && !example.asks ? 0.75 : 1);
}

function weightOf(token: string): number {
  if (agreeing.has(token) || refusing.has(token)) return INTERJECTION;
  if (negating.has(token) || token === 'what' || token === 'sorry') return INTERJECTION;
  return stopWords.has(token) ? LIGHT : 1;
}

/** Enough of a stemmer for likeness: plural, -ing, -ed. */
function stem(word: string): string {
  if (stopWords.has(word) || agreeing.has(word)) return word;
  if (word.length > 5 && word.endsWith('ing')) return undouble(word.slice(0, -3));
  if (word.length > 4 && word.endsWith('ed')) return undouble(word.slice(0, -2));
  if (word.length > 3 && word.endsWith('s') && !word.endsWith('ss')) return word.slice(0, -1);
  return word;
}
const undouble = (word: string): string => word.replace(/([^aeiouls])\1$/, '$1');

/** The same, or one letter apart in a word long enough that this is no other word. */
function sameWord(a: string, b: string): boolean {
  if (a === b) return true;
  // "There" is no misspelt "where".
  if (stopWords.has(a) || stopWords.has(b)) return false;
  return Math.min(a.length, b.length) >= 5 && Math.abs(a.length - b.length) <= 1 && editDistanceAtMostOne(a, b);
}

function editDistanceAtMostOne(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  let i = 0;
  while (i < short.length && short[i] === long[i]) i++;
  return short.length === long.length ? short.slice(i + 1) === long.slice(i + 1) : short.slice(i) === long.slice(i + 1);
}
