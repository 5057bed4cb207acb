/** About -48 dBFS: below the voice's softest consonants, above the synthesiser's noise floor. */
const SILENCE_PEAK = 130;

/** Without most of the silence at either end: `leadMs` and `tailMs` of it stay. All silence: nothing. */
export function trimSilence(pcm: Int16Array, rateHz: number, leadMs: number, tailMs: number): Int16Array {
  let from = 0;
  while (from < pcm.length && Math.abs(pcm[from]) < SILENCE_PEAK) from++;
  if (from === pcm.length) return pcm.subarray(0, 0);
  let to = pcm.length;
  while (Math.abs(pcm[to - 1]) < SILENCE_PEAK) to--;
  return pcm.subarray(Math.max(0, from - Math.round((rateHz * leadMs) / 1000)), Math.min(pcm.length, to + Math.round((rateHz * tailMs) / 1000)));
}
