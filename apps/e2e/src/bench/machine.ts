import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** Where the program under test runs, and everything else: load generators, broker, database. */
export const CORE_UNDER_TEST = 1;
export const CORE_OF_OTHERS = 0;

/** One line that says what the figures were measured on. */
export function describeMachine(nowMs: number): string {
  const model = /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim() ?? 'unknown processor';
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return `Measured ${new Date(nowMs).toISOString().slice(0, 10)} on ${cpus().length} cores of ${model}, ${memoryGb} GB, Linux ${kernel()}, Node ${process.version}.`;
}

const kernel = (): string => readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();

/** @throws Error with one sentence for each thing that is missing. */
export function requireMachine(): void {
  if (process.platform !== 'linux' || !existsSync('/proc/self/stat')) throw new Error('the bench needs Linux: it reads /proc and pins processes to cores');
  if (cpus().length < 2) throw new Error('the bench needs two cores: one for the program under test, one for its load');
  requireProgram('taskset', 'sudo apt-get install util-linux');
  requireProgram('nats-server', 'sudo apt-get install nats-server');
}

/** Moves a running process with all its threads; what it starts later follows. */
export function pinToCore(pid: number, core: number): void {
  const { status } = spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
  if (status !== 0) throw new Error(`process ${pid} cannot be pinned to core ${core}`);
}

/** @throws Error that names the package. */
export function requireProgram(program: string, remedy: string): void {
  if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error) throw new Error(`${program} is needed by the bench: ${remedy}`);
}
