import { resample } from '@dialfleet/media';
import loadFvad, { type FvadModule } from '@echogarden/fvad-wasm';
import { convincingHint, isIntelligible, standsOnItsOwn, tokenProbability, type ScoredText } from './hint-choice.js';
import { Moonshine, MOONSHINE_RATE_HZ, type EncodedClip } from './moonshine.js';
import type { MoonshineModel, TranscribeRequest, Transcription } from './speech-runtime.js';
import { LEAD_MS, padded, segments, TAIL_MS, TIGHT_PAD_MS, voicedSpan, type Span } from './turn-audio.js';
import { VoiceDetector } from './voice-detector.js';

/** Longer turns are left as they were heard: hints are short answers. */
const MAX_HINTED_MS = 1600;
const MAX_HINTS = 32;
/** 100 ms: the detector takes the first 70 ms of any noise for voice, and the shortest words have 200. */
const MIN_VOICED_FRAMES = 10;

const NOTHING: Transcription = { text: '', confidence: null };

/** Turns of speech to text: finds the speech, pads it as the model likes it, decodes, and weighs hints. */
export class MoonshineTranscriber {
  private constructor(private readonly moonshine: Moonshine, private readonly fvad: FvadModule) {}

  static async load(model: MoonshineModel): Promise<MoonshineTranscriber> {
    return new MoonshineTranscriber(await Moonshine.load(model), await loadFvad());
  }

  /** Runs everything once: first runs allocate and compile. */
  async warmUp(): Promise<void> {
    const clip = await this.moonshine.encode(new Float32Array(MOONSHINE_RATE_HZ));
    await this.moonshine.decode(clip);
    await this.moonshine.score(clip, ['Yes.', 'No.']);
  }

  async transcribe({ pcm, sampleRateHz, hints }: Omit<TranscribeRequest, 'model'>): Promise<Transcription> {
    const clip = resample(pcm, sampleRateHz, MOONSHINE_RATE_HZ);
    const span = this.voiced(clip);
    if (!span) return NOTHING;
    const isShort = span.to - span.from <= (MOONSHINE_RATE_HZ * MAX_HINTED_MS) / 1000;
    return isShort ? this.transcribeShort(clip, span, hints) : this.transcribeLong(clip, span);
  }

  private async transcribeShort(clip: Int16Array, span: Span, hints: readonly string[]): Promise<Transcription> {
    const encoded = await this.encode(clip, span);
    const free = await this.moonshine.decode(encoded);
    if (hints.length === 0 || standsOnItsOwn(free.text, hints)) return this.intelligible(free) ?? this.retry(clip, span);
    const hint = await this.hintFor(encoded, free, hints);
    return hint ? transcription(hint) : this.intelligible(free) ?? this.retry(clip, span);
  }

  private async transcribeLong(clip: Int16Array, span: Span): Promise<Transcription> {
    const parts: ScoredText[] = [];
    for (const part of segments(clip, span, MOONSHINE_RATE_HZ)) parts.push(await this.moonshine.decode(await this.encode(clip, part)));
    return this.intelligible({
      text: parts.map(({ text }) => text).filter((text) => text !== '').join(' '),
      logProb: parts.reduce((sum, { logProb }) => sum + logProb, 0),
      tokens: parts.reduce((sum, { tokens }) => sum + tokens, 0),
    }) ?? this.retry(clip, span);
  }

  /** Once more with the speech cut out closely, which at times helps where the usual padding gave nothing. */
  private async retry(clip: Int16Array, span: Span): Promise<Transcription> {
    const tight = padded(clip, span, MOONSHINE_RATE_HZ, TIGHT_PAD_MS, TIGHT_PAD_MS);
    return this.intelligible(await this.moonshine.decode(await this.moonshine.encode(tight))) ?? NOTHING;
  }

  private intelligible(reading: ScoredText): Transcription | null {
    return isIntelligible(reading) ? transcription(reading) : null;
  }

  private async hintFor(encoded: EncodedClip, free: ScoredText, hints: readonly string[]): Promise<ScoredText | null> {
    const texts = [...new Set(hints.slice(0, MAX_HINTS).map(asSentence).filter((text) => text !== ''))];
    return convincingHint(free, await this.moonshine.score(encoded, texts));
  }

  private encode(clip: Int16Array, span: Span): Promise<EncodedClip> {
    return this.moonshine.encode(padded(clip, span, MOONSHINE_RATE_HZ, LEAD_MS, TAIL_MS));
  }

  private voiced(clip: Int16Array): Span | null {
    const detector = new VoiceDetector(this.fvad, MOONSHINE_RATE_HZ, 2);
    const frames = detector.voicedFrames(clip);
    detector.free();
    return voicedSpan(frames, detector.frameSamples, MIN_VOICED_FRAMES);
  }
}

const transcription = (reading: ScoredText): Transcription => ({ text: reading.text, confidence: tokenProbability(reading) });

/** As the model writes short answers: a capital first, a full stop last. */
function asSentence(hint: string): string {
  const text = hint.trim();
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
