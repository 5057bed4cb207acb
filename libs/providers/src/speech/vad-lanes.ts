import type { FvadModule } from '@echogarden/fvad-wasm';
import { SileroState, type SileroVad } from './silero-vad.js';
import type { VadAnswers, VadBatch } from './speech-protocol.js';
import { VAD_WINDOW_MS, type SpeechSampleRateHz } from './speech-runtime.js';
import { VoiceDetector } from './voice-detector.js';
import { VoiceGate } from './voice-gate.js';

/** Silero is sure enough of speech to be kept on. */
const SPEECH_PROBABILITY = 0.35;

interface Lane { state: SileroState; gate: VoiceGate<Int16Array>; detector: VoiceDetector; remainder: Int16Array }

/** The voice activity streams of all calls in turn over one model: the cheap gate first, then Silero. */
export class VadLanes {
  private readonly lanes = new Map<number, Lane>();
  private readonly waiting: VadBatch[] = [];
  private running = false;

  constructor(
    private readonly silero: SileroVad,
    private readonly fvad: FvadModule,
    private readonly answer: (answers: VadAnswers) => void,
  ) {}

  push(batch: VadBatch): void {
    this.waiting.push(batch);
    if (!this.running) void this.drain();
  }

  private async drain(): Promise<void> {
    this.running = true;
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      if (next.streams.length > 0) this.answer({ type: 'vadAnswers', streams: next.streams, probabilities: await this.probabilities(next) });
      for (const stream of next.closed) this.close(stream);
    }
    this.running = false;
  }

  private async probabilities({ streams, sampleRatesHz, pcm }: VadBatch): Promise<number[]> {
    const probabilities: number[] = [];
    let at = 0;
    for (const [i, stream] of streams.entries()) {
      const window = pcm.subarray(at, at += (sampleRatesHz[i] * VAD_WINDOW_MS) / 1000);
      probabilities.push(await this.probability(this.laneOf(stream, sampleRatesHz[i]), window));
    }
    return probabilities;
  }

  /** In its turn behind the windows: a late window would make the lane anew. */
  private close(stream: number): void {
    this.lanes.get(stream)?.detector.free();
    this.lanes.delete(stream);
  }

  private async probability(lane: Lane, window: Int16Array): Promise<number> {
    const admitted = lane.gate.admit(window, hasVoice(lane, window));
    if (admitted.length > 1) lane.state.reset();
    let probability = 0;
    for (const each of admitted) probability = await this.silero.probability(lane.state, each);
    if (probability >= SPEECH_PROBABILITY) lane.gate.hold();
    return probability;
  }

  private laneOf(stream: number, sampleRateHz: SpeechSampleRateHz): Lane {
    const known = this.lanes.get(stream);
    if (known) return known;
    const lane: Lane = { state: new SileroState(sampleRateHz), gate: new VoiceGate(), detector: new VoiceDetector(this.fvad, sampleRateHz, 0), remainder: new Int16Array(0) };
    this.lanes.set(stream, lane);
    return lane;
  }
}

/** The cheap detector's frames (10 ms) do not divide a window (32 ms): what is left over waits for the next. */
function hasVoice(lane: Lane, window: Int16Array): boolean {
  const { detector, remainder } = lane;
  const pcm = new Int16Array(remainder.length + window.length);
  pcm.set(remainder);
  pcm.set(window, remainder.length);
  let voiced = false;
  let at = 0;
  for (; at + detector.frameSamples <= pcm.length; at += detector.frameSamples) voiced = detector.isVoice(pcm, at) || voiced;
  lane.remainder = pcm.slice(at);
  return voiced;
}
