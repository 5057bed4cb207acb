type Task = () => Promise<void>;

/** Runs tasks of one key in order, one at a time, and tasks of different keys side by side, `concurrency` at most. */
export class JetStreamLanes {
  private readonly lanes = new Map<string, Task[]>();
  /** Keys whose next task may start, first come first served. */
  private readonly ready: string[] = [];
  private running = 0;
  private whenIdle: (() => void)[] = [];

  constructor(private readonly concurrency: number) {}

  /** A task must not reject: it deals with its own failures. */
  add(key: string, task: Task): void {
    const lane = this.lanes.get(key);
    if (lane) { lane.push(task); return; }
    this.lanes.set(key, [task]);
    this.ready.push(key);
    this.startReady();
  }

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    return this.lanes.size === 0 ? Promise.resolve() : new Promise((resolve) => { this.whenIdle.push(resolve); });
  }

  private startReady(): void {
    while (this.running < this.concurrency && this.ready.length > 0) void this.runNext(this.ready.shift() as string);
  }

  private async runNext(key: string): Promise<void> {
    const lane = this.lanes.get(key) as Task[];
    this.running++;
    try { await lane[0](); } finally {
      this.running--;
      lane.shift();
      if (lane.length > 0) this.ready.push(key); else this.lanes.delete(key);
      this.startReady();
      if (this.lanes.size === 0) for (const resolve of this.whenIdle.splice(0)) resolve();
    }
  }
}
