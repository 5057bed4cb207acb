/** What was started, to be stopped in reverse order; also when the bench is interrupted. */
export class Undo {
  private readonly steps: (() => Promise<unknown> | void)[] = [];

  add(step: () => Promise<unknown> | void): void { this.steps.push(step); }

  async run(): Promise<void> {
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      try { await step(); } catch (error) { process.stderr.write(`while stopping: ${String(error)}\n`); }
    }
  }
}

export interface BenchContext {
  say(text: string): void;
  /** Fewer and shorter runs: to see that it works, not to quote. */
  quick: boolean;
  undo: Undo;
}
