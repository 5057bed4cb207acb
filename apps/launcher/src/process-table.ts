import { readFileSync } from 'node:fs';

/**
 * When a process began, in kernel ticks since boot: what tells it from a later one with the same number. Undefined where
 * there is no such process or no /proc (proc(5): field 22 of stat).
 */
export function processBirth(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch { return undefined; }
}

/** The command line, its arguments apart. Empty where it cannot be read. */
export function processArguments(pid: number): string[] {
  try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter((part) => part !== ''); } catch { return []; }
}

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try { process.kill(pid, 0); return true; } catch (error) { return (error as NodeJS.ErrnoException).code === 'EPERM'; }
}
