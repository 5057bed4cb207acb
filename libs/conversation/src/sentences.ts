const ABBREVIATION = /(?:^|\s)(?:mr|mrs|ms|dr|prof|st|vs|e\.g|i\.e|etc|approx|a\.m|p\.m|[a-z])\.$/i;
const BOUNDARY = /[.!?…。！？]+["')\]]*(?=\s)|\n+/g;

/**
 * Text as it comes from a brain → whole sentences, each as soon as it is complete. "Dr. Smith", "p.m." and "4.5" do not
 * end a sentence; a very long one is cut at a comma so that speech can begin.
 */
export async function* sentencesOf(deltas: AsyncIterable<string>, maxCharacters = 220): AsyncIterable<string> {
  let buffer = '';
  for await (const delta of deltas) {
    buffer += delta;
    for (;;) {
      const end = sentenceEnd(buffer, maxCharacters);
      if (end === undefined) break;
      const sentence = buffer.slice(0, end).trim();
      buffer = buffer.slice(end);
      if (sentence) yield sentence;
    }
  }
  if (buffer.trim()) yield buffer.trim();
}

/** Where the first complete sentence of `text` ends; undefined while it may still go on. */
export function sentenceEnd(text: string, maxCharacters: number): number | undefined {
  for (const match of text.matchAll(BOUNDARY)) {
    const end = match.index + match[0].length;
    if (!ABBREVIATION.test(text.slice(0, end)) && text.slice(0, end).trim() !== '') return end;
  }
  if (text.length <= maxCharacters) return undefined;
  const cut = Math.max(text.lastIndexOf(', ', maxCharacters), text.lastIndexOf('; ', maxCharacters)) + 1;
  return cut > maxCharacters / 3 ? cut : Math.max(text.lastIndexOf(' ', maxCharacters), 0) || maxCharacters;
}

/** All sentences of a finished text. */
export function splitSentences(text: string): string[] {
  const sentences: string[] = [];
  let rest = text;
  for (let end = sentenceEnd(rest, Infinity); end !== undefined; end = sentenceEnd(rest, Infinity)) {
    sentences.push(rest.slice(0, end).trim());
    rest = rest.slice(end);
  }
  return [...sentences, rest.trim()].filter(Boolean);
}
