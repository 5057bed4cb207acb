interface Job { id: number; run: () => Promise<void> }

/**
 * Runs jobs in order, a few at a time, each in a turn of the event loop of its own: jobs that block the thread still let
 * a `cancel` come in between.
 */
export class JobQueue {
  private readonly waiting: Job[] = [];
  private running = 0;
  private onIdle: (() => void)[] = [];

  constructor(private readonly concurrency: number) {}

  /** `run` must not reject. */
  add(id: number, run: () => Promise<void>): void {
    this.waiting.push({ id, run });
    this.startNext();
  }

  /** Drops a job that has not begun. */
  cancel(id: number): void {
    const index = this.waiting.findIndex((job) => job.id === id);
    if (index >= 0) this.waiting.splice(index, 1);
  }

  /** Drops what has not begun; resolves when what has begun is over. */
  async close(): Promise<void> {
    this.waiting.length = 0;
    if (this.running > 0) await new Promise<void>((resolve) => { this.onIdle.push(resolve); });
  }

  private startNext(): void {
    if (this.running >= this.concurrency || this.waiting.length === 0) return;
    this.running++;
    setImmediate(() => {
      const job = this.waiting.shift();
      void (job ? job.run() : Promise.resolve()).then(() => this.finished());
    });
  }

  private finished(): void {
    this.running--;
    this.startNext();
    if (this.running === 0) for (const resolve of this.onIdle.splice(0)) resolve();
  }
}
