/**
 * A queue read with `for await`. Values pushed after `close()` are dropped; `fail()` makes the reader throw once what
 * was queued is read. One reader.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  private readonly items: T[] = [];
  private waiting: { resolve: (r: IteratorResult<T>) => void; reject: (e: unknown) => void } | undefined;
  private done = false;
  private error: unknown;

  get closed(): boolean { return this.done; }
  get size(): number { return this.items.length; }

  push(item: T): void {
    if (this.done) return;
    if (this.waiting) { this.waiting.resolve({ value: item, done: false }); this.waiting = undefined; } else this.items.push(item);
  }

  close(): void { this.finish(undefined); }
  fail(error: unknown): void { this.finish(error ?? new Error('queue failed')); }

  private finish(error: unknown): void {
    if (this.done) return;
    this.done = true;
    this.error = error;
    if (!this.waiting) return;
    if (error === undefined) this.waiting.resolve({ value: undefined, done: true }); else this.waiting.reject(error);
    this.waiting = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () => {
        if (this.items.length > 0) return Promise.resolve({ value: this.items.shift() as T, done: false });
        if (this.done) return this.error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(this.error);
        return new Promise((resolve, reject) => { this.waiting = { resolve, reject }; });
      },
      return: () => { this.close(); return Promise.resolve({ value: undefined, done: true }); },
    };
  }
}
