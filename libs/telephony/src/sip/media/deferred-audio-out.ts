import type { AudioOut } from '@dialfleet/call';

type Queued = { tag: string; pcm?: Int16Array };

/**
 * The audio output of a leg whose media is not open yet: what is played meanwhile waits, in order, and goes through once
 * the real output is attached.
 */
export class DeferredAudioOut implements AudioOut {
  private target: AudioOut | undefined;
  private queued: Queued[] = [];
  private paused = false;

  attach(target: AudioOut): void {
    this.target = target;
    if (this.paused) target.pause();
    for (const { tag, pcm } of this.queued.splice(0)) { if (pcm) target.play(tag, pcm); else target.endOf(tag); }
  }

  play(tag: string, pcm: Int16Array): void {
    if (this.target) this.target.play(tag, pcm); else this.queued.push({ tag, pcm });
  }

  endOf(tag: string): void {
    if (this.target) this.target.endOf(tag); else this.queued.push({ tag });
  }

  clear(): Promise<Record<string, number>> {
    if (this.target) return this.target.clear();
    const tags = this.queued.splice(0).map(({ tag }) => [tag, 0] as const);
    return Promise.resolve(Object.fromEntries(tags));
  }

  pause(): void {
    this.paused = true;
    this.target?.pause();
  }

  resume(): void {
    this.paused = false;
    this.target?.resume();
  }
}
