import type { Logger } from './logger.js';

export interface Stoppable {
  /** Finishes what is in hand; the process exits with 0 after it, with 1 if it fails. */
  stop(): Promise<void>;
  /** A further signal while stopping: hurry. */
  hurry?(): void;
  /** The process goes after this long, finished or not. */
  withinMs?: number;
  logger: Logger;
}

/**
 * SIGTERM and SIGINT stop a service once. Under a launcher (DIALFLEET_SUPERVISED) its end does too: it holds the other
 * end of our stdin, so no service outlives it.
 */
export function stopOnSignals({ stop, hurry, withinMs, logger }: Stoppable): void {
  outliveReaders();
  let stopping = false;
  const onSignal = (why: string): void => {
    if (stopping) { hurry?.(); return; }
    stopping = true;
    logger.info('stopping', { why });
    if (withinMs !== undefined) setTimeout(() => { logger.warn('did not stop in time'); process.exit(1); }, withinMs).unref();
    stop().then(() => process.exit(0), (error: unknown) => { logger.error('did not stop cleanly', { error }); process.exit(1); });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  if (process.env['DIALFLEET_SUPERVISED']) process.stdin.once('end', () => { onSignal('launcher gone'); }).resume();
}

/** Who reads our log (`… | tee log` gets the same Ctrl-C) may be gone before the last call has drained: that is no reason to end. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
