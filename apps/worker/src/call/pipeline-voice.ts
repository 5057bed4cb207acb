import type { BotSettings } from '@dialfleet/bot';
import { PIPELINE_SAMPLE_RATE_HZ, type CallEvent, type CallLeg } from '@dialfleet/call';
import { heardOfParts, type Pcm, type TtsVendor } from '@dialfleet/conversation';
import { sleep, type Clock } from '@dialfleet/kit';
import type { TurnMarks } from './pipeline-latency.js';
import { synthesiseText, utteranceText, type Utterance } from './pipeline-utterance.js';

/** How long the media thread may take to say what was sent. */
const CLEAR_LIMIT_MS = 300;

export interface VoiceEvents {
  /** The first audio is on its way. */
  started(): void;
  /** All text of an utterance that sounds is known. */
  worded(utterance: Utterance): void;
  /** The last sample is out; or there was nothing to say (`utterance.startedMs` is null). */
  finished(utterance: Utterance): void;
  /** Cut short, with what was heard of it. */
  cut(utterance: Utterance, heard: string): void;
  warning(message: string): void;
  /** Twice no audio for the same sentence. */
  failed(error: unknown): void;
}

export interface Saying {
  text: (utterance: Utterance) => AsyncIterable<string>;
  /** Audio made beforehand, played before `text`. */
  ready?: { text: string; pcm: Pcm };
  marks?: Partial<TurnMarks>;
  then?: CallEvent;
}

/** The bot's side of the line: says one utterance at a time, and knows how much of it was heard. */
export class BotVoice {
  /** Resolves when everything cut so far has been accounted for. */
  settled: Promise<void> = Promise.resolve();
  private current: Utterance | undefined;
  private pausedAtMs: number | null = null;
  private count = 0;

  constructor(
    private readonly leg: CallLeg, private readonly tts: TtsVendor, private readonly bot: Pick<BotSettings, 'tts' | 'language'>,
    private readonly clock: Clock, private readonly events: VoiceEvents,
  ) {}

  /** Returns the functions that stop listening to the leg. */
  listen(): (() => void)[] {
    return [
      this.leg.events.on('playing', ({ tag }) => { if (tag === this.current?.tag) this.current.marks.playingMs = this.clock.monotonicMs(); }),
      this.leg.events.on('played', ({ tag }) => { if (tag === this.current?.tag) this.finish(this.current); }),
    ];
  }

  /** Says something new, in place of what is being said or prepared. */
  say(saying: Saying): void {
    this.cut();
    const utterance: Utterance = {
      tag: `utterance-${++this.count}`, parts: [], marks: { ...saying.marks, askedMs: this.clock.monotonicMs() },
      complete: false, startedMs: null, pausedMs: 0, stop: new AbortController(), then: saying.then,
    };
    this.current = utterance;
    void this.run(utterance, saying);
  }

  /** The call ends so when what is being said has been said. */
  endWith(event: CallEvent): void { if (this.current) this.current.then = event; }

  pause(): void {
    this.pausedAtMs ??= this.clock.monotonicMs();
    this.leg.audioOut.pause();
  }

  resume(): void {
    if (this.pausedAtMs !== null && this.current) this.current.pausedMs += this.clock.monotonicMs() - this.pausedAtMs;
    this.pausedAtMs = null;
    this.leg.audioOut.resume();
  }

  /** Silence, at once. */
  cut(): void {
    const utterance = this.current;
    if (!utterance) return;
    utterance.stop.abort();
    const heard = utterance.startedMs === null ? Promise.resolve('') : this.clear(utterance, utterance.startedMs);
    this.current = undefined;
    this.settled = Promise.all([this.settled, heard]).then(([, text]) => { this.events.cut(utterance, text); });
  }

  private async run(utterance: Utterance, { text, ready }: Saying): Promise<void> {
    const { tts, bot, clock } = this;
    try {
      if (ready) {
        utterance.parts.push({ text: ready.text, samples: ready.pcm.length, complete: true });
        this.play(utterance, ready.pcm);
      }
      await synthesiseText(utterance, text(utterance), {
        tts, bot, clock, play: (_, pcm) => { this.play(utterance, pcm); }, warning: (message) => { this.events.warning(message); },
      });
      if (utterance.stop.signal.aborted) return;
      utterance.complete = true;
      if (utterance.startedMs === null) { this.finish(utterance); return; }
      this.leg.audioOut.endOf(utterance.tag);
      this.events.worded(utterance);
    } catch (error) {
      if (!utterance.stop.signal.aborted) this.events.failed(error);
    }
  }

  private play(utterance: Utterance, pcm: Pcm): void {
    utterance.marks.firstAudioMs ??= this.clock.monotonicMs();
    this.leg.audioOut.play(utterance.tag, pcm);
    if (utterance.startedMs !== null) return;
    utterance.startedMs = this.clock.monotonicMs();
    utterance.marks.playingMs ??= utterance.startedMs;
    this.events.started();
  }

  private finish(utterance: Utterance): void {
    this.current = undefined;
    this.events.finished(utterance);
  }

  /** Asks the leg what was really sent; a leg that does not answer in time is estimated by the clock. */
  private async clear(utterance: Utterance, startedMs: number): Promise<string> {
    const soundingMs = Math.max(0, (this.pausedAtMs ?? this.clock.monotonicMs()) - startedMs - utterance.pausedMs);
    const estimate = { [utterance.tag]: (soundingMs * PIPELINE_SAMPLE_RATE_HZ) / 1000 };
    const cleared = this.leg.audioOut.clear().catch(() => estimate);
    this.resume();
    const sent = await Promise.race([cleared, sleep(this.clock, CLEAR_LIMIT_MS).then(() => estimate)]);
    const heard = heardOfParts(utterance.parts, sent[utterance.tag] ?? 0);
    return utterance.complete && heard === utteranceText(utterance) ? utteranceText(utterance) : heard;
  }
}
