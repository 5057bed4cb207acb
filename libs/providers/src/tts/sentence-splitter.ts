/** Never end a sentence. */
const titles = new Set(['mr', 'mrs', 'ms', 'dr', 'prof', 'rev', 'hon', 'st', 'sr', 'jr', 'vs', 'approx', 'dept', 'ave', 'rd', 'blvd', 'mt', 'gen', 'capt', 'sgt', 'lt', 'col']);
/** End no sentence when a number follows: `No. 5`, `ext. 12`, `Jan. 3`. */
const beforeNumbers = new Set(['no', 'nos', 'ext', 'tel', 'art', 'sec', 'fig', 'vol', 'pp', 'jan', 'feb', 'mar', 'apr', 'jun', 'jul', 'aug', 'sep', 'sept', 'oct', 'nov', 'dec']);
/** End a sentence only when a capital follows: `etc. and`, `9 a.m. on`. */
const beforeLowerCase = new Set(['etc', 'inc', 'ltd', 'co', 'corp', 'est', 'min', 'max', 'a.m', 'p.m', 'u.s', 'u.k']);

const CLAUSE_MARKS = /[,;:](?=\s)|\s[–—-](?=\s)/g;

export interface SplitterLimits {
  /** A longer sentence is cut at a clause mark, else between words. */
  maxChars: number;
  /** The first piece may end at a clause mark once it is this long: the voice starts sooner. */
  firstClauseChars: number;
}

/**
 * Cuts text that arrives in arbitrary pieces into sentences. Works character by character, so that the result does not
 * depend on how the text was cut up; a sentence is known to have ended one character after its mark at the earliest.
 */
export class SentenceSplitter {
  private pending = '';
  private first = true;

  constructor(private readonly limits: SplitterLimits = { maxChars: 220, firstClauseChars: 80 }) {}

  /** Sentences completed by `delta`, trimmed. */
  push(delta: string): string[] {
    const done: string[] = [];
    for (const char of delta) {
      this.pending += char;
      const end = this.endOfPiece();
      if (end > 0) this.cut(end, done);
    }
    return done;
  }

  /** What is left, at the end of the text. */
  flush(): string[] {
    const done: string[] = [];
    this.cut(this.pending.length, done);
    return done;
  }

  private cut(end: number, done: string[]): void {
    const piece = this.pending.slice(0, end).trim();
    this.pending = this.pending.slice(end).trimStart();
    if (piece === '') return;
    this.first = false;
    done.push(piece);
  }

  /** Length of the piece at the head of `pending`, or 0 while it is not complete. */
  private endOfPiece(): number {
    return endOfSentence(this.pending) || this.endOfClause() || this.endOfOverlong();
  }

  private endOfClause(): number {
    if (!this.first || this.pending.length <= this.limits.firstClauseChars) return 0;
    return lastClauseEnd(this.pending, this.limits.firstClauseChars / 4);
  }

  private endOfOverlong(): number {
    if (this.pending.length <= this.limits.maxChars) return 0;
    const clause = lastClauseEnd(this.pending, this.limits.maxChars / 3);
    if (clause > 0) return clause;
    const space = this.pending.lastIndexOf(' ', this.limits.maxChars);
    return space > 0 ? space : this.limits.maxChars;
  }
}

/**
 * Whether the last one or two characters of `text` show that a sentence ended before them. Earlier marks were judged
 * when their followers came.
 */
function endOfSentence(text: string): number {
  const last = text.at(-1) ?? '';
  if (last === '\n' || /[。！？।]/.test(last)) return text.length;
  if (/\s/.test(last)) return /[!?…]["')\]»”’]*\s$/.test(text) || endsWithPlainFullStop(text) ? text.length : 0;
  // The first character after white space settles a doubtful full stop.
  const doubtful = /([\w.']+)\.["')\]»”’]*\s+(["'(\[«“‘]?)$/.exec(text.slice(0, -1));
  if (!doubtful || /["'(\[«“‘]/.test(last)) return 0;
  return endsSentenceBefore(doubtful[1], last) ? text.length - 1 - doubtful[2].length : 0;
}

/** A full stop after a word that is nothing but a word, then white space. */
function endsWithPlainFullStop(text: string): boolean {
  const match = /([\w.']+)\.["')\]»”’]*\s$/.exec(text);
  if (!match) return /[^\w\s.]\.["')\]»”’]*\s$/.test(text);
  return !isDoubtful(match[1], match.index === 0);
}

function isDoubtful(word: string, opensPiece: boolean): boolean {
  const lower = word.toLowerCase();
  return titles.has(lower) || beforeNumbers.has(lower) || beforeLowerCase.has(lower) || isInitials(word) || (opensPiece && isListNumber(word));
}

const isInitials = (word: string): boolean => /^(?:[A-Za-z]\.)*[A-Za-z]$/.test(word);
const isListNumber = (word: string): boolean => /^\d{1,2}$/.test(word);

function endsSentenceBefore(word: string, next: string): boolean {
  const lower = word.toLowerCase();
  if (titles.has(lower)) return false;
  if (beforeNumbers.has(lower)) return !/\d/.test(next);
  if (beforeLowerCase.has(lower)) return /\p{Lu}/u.test(next);
  return false;
}

function lastClauseEnd(text: string, minChars: number): number {
  let end = 0;
  for (const match of text.matchAll(CLAUSE_MARKS)) if (match.index >= minChars) end = match.index + match[0].length;
  return end;
}
