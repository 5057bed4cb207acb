/** One sentence of the bot and how much audio it is. */
export interface SpokenPart { text: string; samples: number; /** All of its audio has been made; before that `samples` grows. */ complete: boolean }

/**
 * What of a text was heard when `heardFraction` (0..1) of its audio was played, cut after the last whole word. Speech is
 * taken as even in characters, which is right to within a word or so.
 */
export function heardText(fullText: string, heardFraction: number): string {
  const text = fullText.trim();
  if (heardFraction >= 1) return text;
  if (!(heardFraction > 0)) return '';
  const end = Math.floor(text.length * heardFraction);
  if (/^\s/.test(text.slice(end))) return text.slice(0, end).trim();
  return text.slice(0, end).replace(/\S+$/, '').trim();
}

/** As `heardText` over sentences with known lengths; `heardSamples` counts from the first. */
export function heardOfParts(parts: readonly SpokenPart[], heardSamples: number, samplesPerCharacter = DEFAULT_SAMPLES_PER_CHARACTER): string {
  const heard: string[] = [];
  let left = heardSamples;
  for (const part of parts) {
    if (left <= 0) break;
    const samples = part.complete ? part.samples : Math.max(part.samples, part.text.length * samplesPerCharacter);
    heard.push(heardText(part.text, samples === 0 ? 0 : left / samples));
    left -= samples;
  }
  return heard.filter(Boolean).join(' ');
}

/** English at about 15 characters a second, 8 kHz: for a sentence whose audio is not complete yet. */
const DEFAULT_SAMPLES_PER_CHARACTER = 530;
