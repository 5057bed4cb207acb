/** Time as the product sees it. Everything that waits or stamps takes a Clock, so that tests run on virtual time. */
export interface Clock {
  /** Milliseconds since the Unix epoch (wall clock; may step). */
  nowMs(): number;
  /** Monotonic milliseconds with an arbitrary origin: durations and deadlines. */
  monotonicMs(): number;
  /** Runs `fn` once after `delayMs`. The returned function cancels it; cancelling twice is harmless. */
  after(delayMs: number, fn: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs` of the clock's time. */
export const sleep = (clock: Clock, delayMs: number): Promise<void> => new Promise((resolve) => { clock.after(delayMs, resolve); });

interface Timer { at: number; order: number; fn: () => void }

/** A clock that moves only when told to; timers fire in order of their due time. */
export class VirtualClock implements Clock {
  private timers: Timer[] = [];
  private order = 0;
  private elapsed = 0;

  constructor(private readonly startMs = Date.UTC(2026, 0, 5, 10)) {}

  nowMs(): number { return this.startMs + this.elapsed; }
  monotonicMs(): number { return this.elapsed; }

  after(delayMs: number, fn: () => void): () => void {
    const timer = { at: this.elapsed + Math.max(0, delayMs), order: this.order++, fn };
    this.timers.push(timer);
    return () => { this.timers = this.timers.filter((t) => t !== timer); };
  }

  /** Moves time on by `ms`, firing what falls due on the way. */
  advance(ms: number): void {
    const end = this.elapsed + ms;
    for (;;) {
      const due = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!due) break;
      this.timers = this.timers.filter((t) => t !== due);
      this.elapsed = Math.max(this.elapsed, due.at);
      due.fn();
    }
    this.elapsed = end;
  }

  /** As `advance`, letting promises settle between timers. */
  async advanceAsync(ms: number, stepMs = 10): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.advance(Math.min(stepMs, left));
      for (let i = 0; i < 8; i++) await Promise.resolve();
    }
  }
}

/** The promise's value, or undefined once `limitMs` have passed first. The timer does not outlive the answer. */
export async function within<T>(clock: Clock, limitMs: number, promise: Promise<T>): Promise<T | undefined> {
  let cancel: () => void = () => undefined;
  const late = new Promise<undefined>((resolve) => { cancel = clock.after(limitMs, () => { resolve(undefined); }); });
  try { return await Promise.race([promise, late]); } finally { cancel(); }
}
