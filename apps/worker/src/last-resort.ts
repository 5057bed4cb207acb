import { errorMessage, type Clock, type Logger } from '@dialfleet/kit';

export interface LastResortTools {
  /** Ends every live call with a result. */
  abandonCalls(detail: string): Promise<void>;
  exit(code: number): void;
  clock: Clock;
  logger: Logger;
}

/** How long the calls may take to end. What is not in the journal by then, the settler ends as `worker_lost`. */
const ABANDON_LIMIT_MS = 10_000;

/**
 * What to do with a fault after which this process cannot go on: nobody caught it, or the media thread is dead. Every call
 * ends with a result; then the process exits with 1, and whoever supervises it starts a new one.
 */
export function lastResort({ abandonCalls, exit, clock, logger }: LastResortTools): (error: unknown) => void {
  let leaving = false;
  return (error) => {
    logger.error('the worker cannot go on', { error });
    if (leaving) return;
    leaving = true;
    clock.after(ABANDON_LIMIT_MS, () => { exit(1); });
    abandonCalls(errorMessage(error)).catch((failure: unknown) => { logger.error('not every call ended cleanly', { error: failure }); }).finally(() => { exit(1); });
  };
}
