import { backoffMs } from '@dialfleet/kit';

/** A process that lived this long before it ended gets a fresh start at once. */
const STABLE_AFTER_MS = 30_000;

/** How long to wait before a process that ended by itself is started again: hardly at all the first time, longer with each early death. */
export class RestartPace {
  private earlyDeaths = 0;

  constructor(private readonly capMs: number, private readonly random: () => number = Math.random) {}

  nextDelayMs(livedMs: number): number {
    this.earlyDeaths = livedMs > STABLE_AFTER_MS ? 0 : this.earlyDeaths + 1;
    return 100 + backoffMs(this.earlyDeaths, 200, this.capMs, this.random);
  }
}
