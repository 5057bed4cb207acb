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
  private run: VoiceRun | null = null;
  private readonly finished: HeardSpeech[] = [];

  /** Whether this frame, which ended at `nowMs`, holds voice. */
  hear(pcm: Int16Array, nowMs: number): boolean {
    if (this.run && nowMs - this.run.lastAtMs > PAUSE_MS) {
      this.finished.push(...speechIn(this.run));
      this.run = null;
    }
    const voiced = rmsLevel(pcm) >= VOICE_LEVEL;
    if (voiced) this.run = withVoice(this.run, nowMs, FRAME_MS);
    return voiced;
  }

  /** How many utterances are over. */
  get finishedCount(): number { return this.finished.length; }

  /** Utterances so far; the last may be going on. */
  get heard(): readonly HeardSpeech[] { return [...this.finished, ...speechIn(this.run)]; }
}

const speechIn = (run: VoiceRun | null): HeardSpeech[] =>
  isSpeech(run) ? [{ startedAtMs: Math.round(run.firstAtMs), endedAtMs: Math.round(run.lastAtMs) }] : [];
