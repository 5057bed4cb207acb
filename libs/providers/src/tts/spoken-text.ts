const REPLACEMENTS: readonly [RegExp, string][] = [
  [/[‘’‛′]/g, "'"], [/[“”„″«»]/g, '"'], [/\s*[–—―]\s*/g, ', '], [/…/g, '...'],
  [/€\s?(\d[\d.,]*)/g, '$1 euros'], [/£\s?(\d[\d.,]*)/g, '$1 pounds'], [/₹\s?(\d[\d.,]*)/g, '$1 rupees'], [/°/g, ' degrees'],
  [/ß/g, 'ss'], [/æ/gi, 'ae'], [/ø/gi, 'o'], [/œ/gi, 'oe'], [/ł/gi, 'l'],
];

/**
 * Text as flite can read it: printable ASCII on one line. Accents are dropped with their letters kept, common symbols
 * become words, everything else (control characters, emoji, other scripts) becomes a space. '' when nothing is left
 * that can be said.
 */
export function toSpokenAscii(text: string): string {
  let out = text;
  for (const [pattern, replacement] of REPLACEMENTS) out = out.replace(pattern, replacement);
  out = out.normalize('NFKD').replace(/\p{M}/gu, '').replace(/[^\x20-\x7e]+/g, ' ').replace(/ +/g, ' ').trim();
  return /[A-Za-z0-9]/.test(out) ? out : '';
}
