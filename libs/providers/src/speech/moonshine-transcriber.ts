import loadFvad, { type FvadModule } from '@echogarden/fvad-wasm';
import sherpa from 'sherpa-onnx-node';
import type { OfflineRecognizer } from 'sherpa-onnx-node';
import { convincingHint, standsOnItsOwn, tokenProbability } from './hint-choice.js';
import { HintScorer } from './hint-scorer.js';
import { moonshineFiles, withTokensFile } from './moonshine-files.js';
import { SpeexResampler } from './speex-resampler.js';
import type { MoonshineModel, TranscribeRequest, Transcription } from './speech-runtime.js';
import { LEAD_MS, padded, segments, TAIL_MS, TIGHT_PAD_MS, voicedSpan, type Span } from './turn-audio.js';
import { VoiceDetector } from './voice-detector.js';

const MODEL_RATE_HZ = 16_000;
/** Longer turns are left as they were heard: hints are short answers. */
const MAX_HINTED_MS = 1600;
const MAX_HINTS = 32;

/** Turns of speech to text. Decoding runs off this thread; scoring hints runs on it, for tens of milliseconds. */
export class MoonshineTranscriber {
  private constructor(private readonly recogniser: OfflineRecognizer, private readonly scorer: HintScorer, private readonly fvad: FvadModule, private readonly resampler: SpeexResampler) {}

  static async load(model: MoonshineModel): Promise<MoonshineTranscriber> {
    const { encoder, decoder } = moonshineFiles(model);
    const [recogniser, scorer, fvad, resampler] = await Promise.all([
      withTokensFile((tokens) => sherpa.OfflineRecognizer.createAsync({
        featConfig: { sampleRate: MODEL_RATE_HZ, featureDim: 80 },
        modelConfig: { moonshine: { encoder, mergedDecoder: decoder }, tokens, numThreads: 1, provider: 'cpu' },
      })),
      HintScorer.load(model), loadFvad(), SpeexResampler.load(),
    ]);
    return new MoonshineTranscriber(recogniser, scorer, fvad, resampler);
  }

  /** Runs everything once: first runs allocate and compile. */
  async warmUp(): Promise<void> {
    const second = new Float32Array(MODEL_RATE_HZ);
    await this.decode(second);
    await this.scorer.score(second, ['Yes.']);
  }

  async transcribe({ pcm, sampleRateHz, hints }: Omit<TranscribeRequest, 'model'>): Promise<Transcription> {
    const clip = this.resampler.resample(pcm, sampleRateHz, MODEL_RATE_HZ);
    const voiced = this.voiced(clip);
    const span = voiced ?? { from: 0, to: clip.length };
    if (span.to === 0) return { text: '', confidence: null };
    const text = await this.recognise(clip, span) || (voiced ? await this.decode(padded(clip, span, MODEL_RATE_HZ, TIGHT_PAD_MS, TIGHT_PAD_MS)) : '');
    const short = voiced && span.to - span.from <= (MODEL_RATE_HZ * MAX_HINTED_MS) / 1000;
    if (!short || hints.length === 0 || standsOnItsOwn(text, hints)) return { text, confidence: null };
    return this.withHints(padded(clip, span, MODEL_RATE_HZ, LEAD_MS, TAIL_MS), text, hints);
  }

  private voiced(clip: Int16Array): Span | null {
    const detector = new VoiceDetector(this.fvad, MODEL_RATE_HZ, 1);
    const span = voicedSpan(clip.length, detector.frameSamples, (at) => detector.isVoice(clip, at));
    detector.free();
    return span;
  }

  private async recognise(clip: Int16Array, span: Span): Promise<string> {
    const texts: string[] = [];
    for (const part of segments(clip, span, MODEL_RATE_HZ)) texts.push(await this.decode(padded(clip, part, MODEL_RATE_HZ, LEAD_MS, TAIL_MS)));
    return texts.filter((text) => text !== '').join(' ');
  }

  private async decode(samples: Float32Array): Promise<string> {
    const stream = this.recogniser.createStream();
    stream.acceptWaveform({ sampleRate: MODEL_RATE_HZ, samples });
    const { text } = await this.recogniser.decodeAsync(stream);
    return text.replace(/\s+/g, ' ').trim();
  }

  private async withHints(samples: Float32Array, free: string, hints: readonly string[]): Promise<Transcription> {
    const texts = [...new Set(hints.slice(0, MAX_HINTS).map(asSentence))];
    const scored = await this.scorer.score(samples, free === '' ? texts : [free, ...texts]);
    const scoredFree = scored.find(({ text }) => text === free) ?? null;
    if (free !== '' && !scoredFree) return { text: free, confidence: null };
    const hint = convincingHint(scoredFree, scored.filter((candidate) => candidate !== scoredFree));
    const chosen = hint ?? scoredFree;
    return { text: chosen?.text ?? '', confidence: chosen && tokenProbability(chosen) };
  }
}

/** As the model writes short answers: a capital first, a full stop last. */
function asSentence(hint: string): string {
  const text = hint.trim();
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
