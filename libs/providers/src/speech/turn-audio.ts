/** Silence around speech that Moonshine was found to want: it loses first and last words without it. */
export const LEAD_MS = 300;
export const TAIL_MS = 600;
/** What it is given instead when that gave nothing. */
export const TIGHT_PAD_MS = 50;
/** Moonshine was trained on clips of up to about half a minute. */
const MAX_SEGMENT_SECONDS = 24;
const CUT_WINDOW_SECONDS = 8;
const CUT_FRAME_MS = 30;

/** Samples [from, to) of a clip. */
export interface Span { from: number; to: number }

/** From the first voiced frame to the last; null when fewer than `minFrames` are voiced. */
export function voicedSpan(frames: readonly boolean[], frameSamples: number, minFrames: number): Span | null {
  if (frames.filter(Boolean).length < minFrames) return null;
  return { from: frames.indexOf(true) * frameSamples, to: (frames.lastIndexOf(true) + 1) * frameSamples };
}

/** `span` of `pcm` as floats with `leadMs` before it and `tailMs` after: what was really there, else silence. */
export function padded(pcm: Int16Array, span: Span, rateHz: number, leadMs: number, tailMs: number): Float32Array {
  const lead = (rateHz * leadMs) / 1000;
  const tail = (rateHz * tailMs) / 1000;
  const out = new Float32Array(lead + span.to - span.from + tail);
  const from = Math.max(0, span.from - lead);
  const to = Math.min(pcm.length, span.to + tail);
  const offset = lead - (span.from - from);
  for (let i = from; i < to; i++) out[offset + i - from] = pcm[i] / 32768;
  return out;
}

/** Cuts a span that is too long for the model at the quietest moments near the limit. */
export function segments(pcm: Int16Array, span: Span, rateHz: number): Span[] {
  const maxSamples = MAX_SEGMENT_SECONDS * rateHz;
  const spans: Span[] = [];
  let { from } = span;
  while (span.to - from > maxSamples) {
    const cut = quietestMoment(pcm, from + maxSamples - CUT_WINDOW_SECONDS * rateHz, from + maxSamples, (rateHz * CUT_FRAME_MS) / 1000);
    spans.push({ from, to: cut });
    from = cut;
  }
  spans.push({ from, to: span.to });
  return spans;
}

function quietestMoment(pcm: Int16Array, from: number, to: number, frameSamples: number): number {
  let quietest = to;
  let least = Infinity;
  for (let at = from; at + frameSamples <= to; at += frameSamples) {
    let energy = 0;
    for (let i = at; i < at + frameSamples; i++) energy += pcm[i] * pcm[i];
    if (energy < least) { least = energy; quietest = at + frameSamples / 2; }
  }
  return quietest;
}
