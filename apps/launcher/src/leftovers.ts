import { isAlive, processArguments } from './process-table.js';

/** Time for politely ended calls to hand over their results. */
const GRACE_MS = 15_000;

/**
 * Ends the services of a launcher that was killed. They let their live calls finish, but hold ports and the folder: those
 * calls are hung up now, and their results kept. `scripts`: what ours run, so that no other process is ever touched.
 */
export async function endLeftovers(pids: readonly number[], scripts: readonly string[], say: (text: string) => void): Promise<void> {
  const ours = (): number[] => pids.filter((pid) => isAlive(pid) && processArguments(pid).some((argument) => scripts.includes(argument)));
  const found = ours();
  if (found.length === 0) return;
  say(`ending ${found.length} ${found.length === 1 ? 'process' : 'processes'} of an earlier run`);
  // The first signal drains, the second hurries a worker that is draining already.
  for (const pid of found) { process.kill(pid, 'SIGTERM'); process.kill(pid, 'SIGINT'); }
  const deadline = Date.now() + GRACE_MS;
  while (ours().length > 0 && Date.now() < deadline) await new Promise((resolve) => { setTimeout(resolve, 50); });
  for (const pid of ours()) process.kill(pid, 'SIGKILL');
}
