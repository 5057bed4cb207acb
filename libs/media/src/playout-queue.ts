import { SAMPLES_PER_MS } from './frame.js';

interface Chunk { tag: string; pcm: Int16Array; offset: number }

/** `tag` marks its own end: everything queued before it has been pulled once it reaches the head. */
interface EndMark { tag: string; pcm: null }

export interface PulledFrame {
  /** `null`: nothing to play now. */
  pcm: Int16Array | null;
  /** Tags whose first sample is in this frame; a tag without audio never is. */
  begun: readonly string[];
  /** Tags whose last sample is in this frame (or that ended without one). */
  played: readonly string[];
}

const NO_TAGS: readonly string[] = [];
const REMEMBERED_TAGS = 32;

/**
 * What waits to be spoken, under tags (one utterance each), pulled a frame at a time by the playout clock.
 *
 * Less than a frame is held back until more audio or the end of its tag comes, so that chunk borders inside an utterance
 * never put silence into a word.
 */
export class PlayoutQueue {
  private items: (Chunk | EndMark)[] = [];
  private queuedSamples = 0;
  private paused = false;
  /** Samples pulled by tag; the oldest are forgotten. */
  private readonly sent = new Map<string, number>();

  get isEmpty(): boolean { return this.items.length === 0; }
  get queuedMs(): number { return this.queuedSamples / SAMPLES_PER_MS; }

  /** Queues audio; the array belongs to the queue from now on. */
  play(tag: string, pcm: Int16Array): void {
    this.remember(tag);
    if (pcm.length === 0) return;
    this.items.push({ tag, pcm, offset: 0 });
    this.queuedSamples += pcm.length;
  }

  /** No more audio comes for `tag`: it is reported as played once its last sample is pulled. */
  endOf(tag: string): void {
    this.remember(tag);
    this.items.push({ tag, pcm: null });
  }

  /** Drops everything queued. Returns how many samples of each recent tag were really pulled. Dropped tags are never reported as played. */
  clear(): Record<string, number> {
    this.items = [];
    this.queuedSamples = 0;
    return Object.fromEntries(this.sent);
  }

  pause(): void { this.paused = true; }
  resume(): void { this.paused = false; }

  pull(samples: number): PulledFrame {
    if (this.paused || this.items.length === 0) return { pcm: null, begun: NO_TAGS, played: NO_TAGS };
    const begun: string[] = [];
    const played: string[] = [];
    const canFill = this.queuedSamples > 0 && (this.queuedSamples >= samples || this.hasEndMark());
    const pcm = canFill ? this.fill(new Int16Array(samples), begun, played) : null;
    this.takeEndMarks(played);
    return { pcm, begun, played };
  }

  /** Copies from the head of the queue; what is missing at the end stays silence. */
  private fill(frame: Int16Array, begun: string[], played: string[]): Int16Array {
    const short = this.queuedSamples < frame.length;
    for (let filled = 0; filled < frame.length;) {
      this.takeEndMarks(played);
      const head = this.items[0];
      if (!head?.pcm || (short && !this.hasEndMark())) break;
      const count = Math.min(frame.length - filled, head.pcm.length - head.offset);
      frame.set(head.pcm.subarray(head.offset, head.offset + count), filled);
      filled += count;
      if (this.sent.get(head.tag) === 0) begun.push(head.tag);
      this.advance(head, count);
    }
    return frame;
  }

  private advance(chunk: Chunk, count: number): void {
    chunk.offset += count;
    this.queuedSamples -= count;
    this.sent.set(chunk.tag, (this.sent.get(chunk.tag) ?? 0) + count);
    if (chunk.offset === chunk.pcm.length) this.items.shift();
  }

  private hasEndMark(): boolean { return this.items.some((item) => item.pcm === null); }

  private takeEndMarks(played: string[]): void {
    while (this.items[0]?.pcm === null) played.push((this.items.shift() as EndMark).tag);
  }

  private remember(tag: string): void {
    if (this.sent.has(tag)) return;
    this.sent.set(tag, 0);
    if (this.sent.size > REMEMBERED_TAGS) this.sent.delete(this.sent.keys().next().value as string);
  }
}
