import type { Clock } from '@dialfleet/kit';
import { SourceLimiter } from './source-limiter.js';

export interface LoadLimits {
  /** Set-ups a second that this process begins, whoever asks. */
  setUpsPerSecond: number;
  /** The event loop counts as late from here … */
  lagHighMs: number;
  /** … until it is below this again. */
  lagLowMs: number;
}

export const defaultLoadLimits: LoadLimits = { setUpsPerSecond: 200, lagHighMs: 100, lagLowMs: 30 };

const SAMPLE_MS = 100;
/** A single pause (a collection of garbage, a model that loads) is no overload: the mean of about this many samples counts. */
const SMOOTHING_SAMPLES = 3;
const RETRY_AFTER_SECONDS = 2;

/**
 * Whether this process can begin another call: a cap on set-ups a second, and none while the event loop is late. Overload
 * otherwise feeds itself, for each late answer is asked for again.
 */
export class LoadGate {
  readonly retryAfterSeconds = RETRY_AFTER_SECONDS;
  readonly counts = { refused: 0 };
  private readonly setUps: SourceLimiter;
  private lag = 0;
  private late = false;
  private cancel: () => void = () => undefined;

  constructor(private readonly clock: Clock, private readonly limits: LoadLimits = defaultLoadLimits) {
    this.setUps = new SourceLimiter(clock, 1);
  }

  /** Begins to watch the event loop. */
  start(): this {
    this.sample();
    return this;
  }

  stop(): void { this.cancel(); }

  /** Smoothed, in ms. */
  get lagMs(): number { return this.lag; }

  get isOverloaded(): boolean { return this.late; }

  /** Takes one set-up; false where there is none to have. */
  admit(): boolean {
    const { setUpsPerSecond } = this.limits;
    const admitted = !this.late && this.setUps.take('', { perSecond: setUpsPerSecond, burst: setUpsPerSecond });
    if (!admitted) this.counts.refused++;
    return admitted;
  }

  /** How late a timer was. Public for tests. */
  lateBy(ms: number): void {
    this.lag += (Math.max(0, ms) - this.lag) / SMOOTHING_SAMPLES;
    this.late = this.late ? this.lag >= this.limits.lagLowMs : this.lag >= this.limits.lagHighMs;
  }

  private sample(): void {
    const dueMs = this.clock.monotonicMs() + SAMPLE_MS;
    this.cancel = this.clock.after(SAMPLE_MS, () => {
      this.lateBy(this.clock.monotonicMs() - dueMs);
      this.sample();
    });
  }
}
