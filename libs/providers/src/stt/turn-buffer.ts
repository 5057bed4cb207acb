import type { Pcm } from '@dialfleet/conversation';

/** The audio of one turn as it comes in; past `maxSamples` the oldest goes. */
export class TurnBuffer {
  private frames: Pcm[] = [];
  private total = 0;

  constructor(private readonly maxSamples: number) {}

  get samples(): number { return this.total; }

  /** Keeps a copy: the caller may reuse its frame. */
  push(frame: Pcm): void {
    this.frames.push(frame.slice(-this.maxSamples));
    this.total += Math.min(frame.length, this.maxSamples);
    while (this.total > this.maxSamples) this.dropOldest();
  }

  clear(): void {
    this.frames = [];
    this.total = 0;
  }

  /** All of it in one array of its own; the buffer is empty after. */
  take(): Pcm {
    const pcm = new Int16Array(this.total);
    let at = 0;
    for (const frame of this.frames) {
      pcm.set(frame, at);
      at += frame.length;
    }
    this.clear();
    return pcm;
  }

  private dropOldest(): void {
    const excess = this.total - this.maxSamples;
    const oldest = this.frames[0];
    if (oldest.length <= excess) this.frames.shift();
    else this.frames[0] = oldest.subarray(excess);
    this.total -= Math.min(oldest.length, excess);
  }
}
