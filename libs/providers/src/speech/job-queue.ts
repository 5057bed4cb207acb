interface Job { id: number; run: () => Promise<void> }

/**
 * Runs jobs in order, one at a time, each in a turn of the event loop of its own: jobs that block the thread still let a
 * `cancel` come in between.
 */
export class JobQueue {
  private readonly waiting: Job[] = [];
  private running = false;
  private onIdle: (() => void)[] = [];

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
    if (this.running) await new Promise<void>((resolve) => { this.onIdle.push(resolve); });
  }

  private startNext(): void {
    if (this.running || this.waiting.length === 0) return;
    this.running = true;
    setImmediate(() => {
      const job = this.waiting.shift();
      void (job ? job.run() : Promise.resolve()).then(() => this.finished());
    });
  }

  private finished(): void {
    this.running = false;
    this.startNext();
    if (!this.running) for (const resolve of this.onIdle.splice(0)) resolve();
  }
}
