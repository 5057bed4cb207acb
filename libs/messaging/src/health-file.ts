import type { Clock } from '@dialfleet/kit';
import { writeFile } from 'node:fs/promises';

const PROBE_INTERVAL_MS = 1000;

/**
 * A sign of life for container health checks of apps without an HTTP port: `path` is rewritten every second for as long as
 * the event loop turns and `probe` succeeds (`() => connection.flush()`: a round trip to the broker). An empty `path` keeps
 * none. The returned function stops it.
 */
export function keepHealthFile(path: string, probe: () => Promise<unknown>, clock: Clock): () => void {
  if (path === '') return () => undefined;
  let cancel: () => void = () => undefined;
  let stopped = false;
  const beat = async (): Promise<void> => {
    try {
      await probe();
      await writeFile(path, `${new Date(clock.nowMs()).toISOString()}\n`);
    } catch { /* the file's age says it */ }
    if (!stopped) cancel = clock.after(PROBE_INTERVAL_MS, () => { void beat(); });
  };
  void beat();
  return () => { stopped = true; cancel(); };
}
