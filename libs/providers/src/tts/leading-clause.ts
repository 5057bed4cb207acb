const LONG_SENTENCE_CHARS = 80;
const MIN_CLAUSE_CHARS = 20;

/**
 * A long sentence in two at its first clause mark, so that the voice starts sooner: the clause is spoken while the rest
 * is made. Short sentences, and those without such a mark, stay whole.
 */
export function splitLeadingClause(sentence: string): string[] {
  if (sentence.length <= LONG_SENTENCE_CHARS) return [sentence];
  for (const { index } of sentence.matchAll(/[,;:](?=\s)/g)) {
    if (index >= MIN_CLAUSE_CHARS) return [sentence.slice(0, index + 1), sentence.slice(index + 1).trim()];
  }
  return [sentence];
}
