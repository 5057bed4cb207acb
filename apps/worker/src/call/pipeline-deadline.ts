import { Fault, type Clock } from '@dialfleet/kit';

/** What a vendor sends, or a retryable fault when it sends nothing for `limitMs`. */
export async function* withinEach<T>(source: AsyncIterable<T>, limitMs: number, clock: Clock, who: string): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await answerWithin(iterator.next(), limitMs, clock, who);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a vendor that hangs would hang here again.
    void iterator.return?.()?.catch(() => undefined);
  }
}

/** The promise's value, or a retryable fault after `limitMs`. */
export function answerWithin<T>(promise: Promise<T>, limitMs: number, clock: Clock, who: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(limitMs, () => { reject(new Fault(`${who} sent nothing for ${limitMs} ms`, true)); });
    promise.then(resolve, reject).finally(cancel);
  });
}
