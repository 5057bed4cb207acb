import { FRAME_MS, rmsLevel } from '@dialfleet/media';
import { isSpeech, withVoice, type VoiceRun } from './voice-run.js';

/** About -42 dB below full scale: above line noise and companding noise, below any telephone voice. */
const VOICE_LEVEL = 250;
/** Pauses up to this long belong to the utterance. */
const PAUSE_MS = 600;

/** One utterance of the bot as its audio tells: epoch milliseconds of the first and the last voiced frame. */
export interface HeardSpeech { startedAtMs: number; endedAtMs: number }

/** Tells voice from silence in the bot's audio by its energy, and keeps when the bot spoke. */
export class BotEar {
  /** Utterances so far; the last grows while it goes on. */
  readonly heard: HeardSpeech[] = [];
  private run: VoiceRun | null = null;
  private current: HeardSpeech | undefined;

  /** The utterance that goes on, or might after a pause. */
  get unfinished(): HeardSpeech | undefined { return this.current; }

  /** A frame that ended at `nowMs`: whether it holds voice, and the utterance that is now known to be over, if any. */
  hear(pcm: Int16Array, nowMs: number): { voiced: boolean; finished: HeardSpeech | undefined } {
    const finished = this.run && nowMs - this.run.lastAtMs > PAUSE_MS ? this.finish() : undefined;
    const voiced = rmsLevel(pcm) >= VOICE_LEVEL;
    if (voiced) this.voiced(nowMs);
    return { voiced, finished };
  }

  private voiced(nowMs: number): void {
    this.run = withVoice(this.run, nowMs, FRAME_MS);
    if (!isSpeech(this.run)) return;
    if (!this.current) this.heard.push(this.current = { startedAtMs: Math.round(this.run.firstAtMs), endedAtMs: 0 });
    this.current.endedAtMs = Math.round(nowMs);
  }

  private finish(): HeardSpeech | undefined {
    const { current } = this;
    this.run = null;
    this.current = undefined;
    return current;
  }
}
