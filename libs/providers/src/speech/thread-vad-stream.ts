import type { Pcm, VadStream } from '@dialfleet/conversation';
import { VAD_WINDOW_MS, type SpeechSampleRateHz } from './speech-runtime.js';

/** How a stream reaches its thread. */
export interface VadLink {
  sampleRateHz: SpeechSampleRateHz;
  /** The buffer is handed over; the window is answered later. */
  send(window: Pcm): void;
  onWindow(probability: number): void;
  onClose(): void;
}

/**
 * One call's windows on their way to the hearing thread. Each window is answered exactly once and in order, so that the
 * listener may count time by them: what a crashed thread leaves unanswered counts as silence.
 */
export class ThreadVadStream implements VadStream {
  private window: Pcm;
  private filled = 0;
  private unanswered = 0;
  private open = true;

  constructor(private readonly link: VadLink) {
    this.window = this.emptyWindow();
  }

  push(frame: Pcm): void {
    for (let at = 0; at < frame.length && this.open;) {
      const part = frame.subarray(at, at + this.window.length - this.filled);
      this.window.set(part, this.filled);
      this.filled += part.length;
      at += part.length;
      if (this.filled === this.window.length) this.send();
    }
  }

  /** The word on the oldest unanswered window: the thread's, or 0 when the thread is down. */
  answer(probability: number): void {
    if (!this.open || this.unanswered === 0) return;
    this.unanswered--;
    this.link.onWindow(probability);
  }

  onThreadCrash(): void {
    for (let lost = this.unanswered; lost > 0; lost--) this.answer(0);
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.link.onClose();
  }

  private send(): void {
    const pcm = this.window;
    this.window = this.emptyWindow();
    this.filled = 0;
    this.unanswered++;
    this.link.send(pcm);
  }

  private emptyWindow(): Pcm { return new Int16Array((this.link.sampleRateHz * VAD_WINDOW_MS) / 1000); }
}
