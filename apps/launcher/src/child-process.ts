import type { ChildProcess } from 'node:child_process';

export const isRunning = (child: ChildProcess): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null;

/** How a process ended, in words. */
export const howItEnded = (code: number | null, signal: NodeJS.Signals | null): string => signal ?? `exit code ${code}`;

/** SIGTERM, then SIGKILL after `graceMs`. `onKill` is told when it came to that. */
export async function stopProcess(child: ChildProcess, graceMs: number, onKill: () => void = () => undefined): Promise<void> {
  if (!isRunning(child)) return;
  const exited = new Promise<void>((resolve) => { child.once('exit', () => { resolve(); }); });
  child.kill('SIGTERM');
  const timer = setTimeout(() => { onKill(); child.kill('SIGKILL'); }, graceMs);
  await exited;
  clearTimeout(timer);
}
