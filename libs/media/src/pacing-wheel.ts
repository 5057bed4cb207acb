import { FRAME_MS } from './frame.js';

/** A timer may fire a fraction of a millisecond early: such a slot is due. */
const EARLY_MS = 0.3;

export interface PacingWheelOptions {
  periodMs?: number;
  /** The period is cut into so many slots; items are spread over them. */
  phases?: number;
  /** A wheel that is later than this leaves whole periods out instead of sending them in a burst. */
  maxCatchUpMs?: number;
}

export interface PacingReport { slotsRun: number; periodsSkipped: number; maxLagMs: number }

/**
 * Calls each item once a period, at absolute deadlines: lateness never accumulates, as it does with one interval timer
 * per call. Holds no timer itself: `run(now)` runs what is due, `nextDeadlineMs` says when to come back.
 */
export class PacingWheel<T> {
  private readonly periodMs: number;
  private readonly slotMs: number;
  private readonly maxCatchUpMs: number;
  /** Items by phase, with the time they joined. */
  private readonly phases: Map<T, number>[];
  /** Slot number to run next; slot n is due at originMs + n · slotMs. */
  private next = 0;
  private size = 0;
  private slotsRun = 0;
  private periodsSkipped = 0;
  private maxLagMs = 0;

  constructor(private readonly originMs: number, options: PacingWheelOptions = {}) {
    const { periodMs = FRAME_MS, phases = 10, maxCatchUpMs = 200 } = options;
    this.periodMs = periodMs;
    this.slotMs = periodMs / phases;
    this.maxCatchUpMs = maxCatchUpMs;
    this.phases = Array.from({ length: phases }, () => new Map<T, number>());
  }

  /** Adds to the phase with the fewest items; its first call comes within two periods. */
  add(item: T, nowMs: number): void {
    if (this.size === 0) this.next = Math.max(this.next, Math.ceil((nowMs - this.originMs) / this.slotMs));
    this.phases.reduce((least, phase) => (phase.size < least.size ? phase : least)).set(item, nowMs);
    this.size++;
  }

  remove(item: T): void {
    for (const phase of this.phases) if (phase.delete(item)) this.size--;
  }

  /** Deadline of the next slot that has items; `null` when there are none. */
  nextDeadlineMs(): number | null {
    if (this.size === 0) return null;
    while (this.phases[this.next % this.phases.length].size === 0) this.next++;
    return this.deadlineOf(this.next);
  }

  /** Runs every slot due at `nowMs`, in order. `tick` gets the item's deadline: consecutive ones are whole periods apart. */
  run(nowMs: number, tick: (item: T, deadlineMs: number) => void): void {
    for (let deadline = this.nextDeadlineMs(); deadline !== null && deadline <= nowMs + EARLY_MS; deadline = this.nextDeadlineMs()) {
      const lagMs = nowMs - deadline;
      this.maxLagMs = Math.max(this.maxLagMs, lagMs);
      if (lagMs > this.maxCatchUpMs) this.skipPeriods(Math.floor(lagMs / this.periodMs));
      else this.runSlot(deadline, tick);
    }
  }

  report(): PacingReport { return { slotsRun: this.slotsRun, periodsSkipped: this.periodsSkipped, maxLagMs: this.maxLagMs }; }

  private runSlot(deadlineMs: number, tick: (item: T, deadlineMs: number) => void): void {
    const phase = this.phases[this.next % this.phases.length];
    this.next++;
    this.slotsRun++;
    for (const [item, joinedMs] of phase) if (deadlineMs >= joinedMs) tick(item, deadlineMs);
  }

  private skipPeriods(periods: number): void {
    this.next += periods * this.phases.length;
    this.periodsSkipped += periods;
  }

  private deadlineOf(slot: number): number { return this.originMs + slot * this.slotMs; }
}
