import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lineMatching, stopChild } from './helper-process.js';
import { CORE_OF_OTHERS, requireProgram } from './machine.js';
import type { Undo } from './undo.js';

const source = fileURLToPath(new URL('../../bench/voipload.c', import.meta.url));

/** What voipload reports at its end; percentages are of packets expected in the measuring window. */
export interface VoiploadReport extends Record<string, number> {
  calls: number; set_up: number; failed: number; timed_out: number; repeated: number; silent: number; setup_p50_ms: number; setup_p99_ms: number;
  window_s: number; packets: number; lost: number; late: number; lost_or_late_percent: number; missing_percent: number; bad_calls: number;
  delay_p99_ms: number; jitter_mean_ms: number; jitter_max_ms: number;
  peer_cpu_percent: number; peer_rss_kb: number; peer_rss_before_kb: number;
}

/** Compiles the load generator; gone again with `undo`. @throws Error in one line without a C compiler. */
export function buildVoipload(undo: Undo): string {
  requireProgram('gcc', 'sudo apt-get install gcc libc6-dev');
  const folder = mkdtempSync(join(tmpdir(), 'dialfleet-voipload-'));
  undo.add(() => { rmSync(folder, { recursive: true, force: true }); });
  const program = join(folder, 'voipload');
  const { status, stderr } = spawnSync('gcc', ['-O2', '-o', program, source, '-lm'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`voipload.c does not compile: ${stderr.trim().split('\n')[0]}`);
  return program;
}

export interface RunningVoipload {
  sipPort: number;
  report: Promise<VoiploadReport>;
  /** Hangs up what is up and reports what it has. */
  stop(): void;
}

/** One run on the core of the others. Resolves once its sockets are open. */
export async function startVoipload(program: string, args: readonly string[], undo: Undo): Promise<RunningVoipload> {
  const child = spawn('taskset', ['-c', String(CORE_OF_OTHERS), program, '-j', '-l', '0', '-m', '0', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  undo.add(() => stopChild(child));
  const ready = await lineMatching(child, /^\{"ready":true,"sip_port":(\d+)/, 'voipload');
  const report = lineMatching(child, /^\{"calls":.*/, 'voipload').then(([line]) => JSON.parse(line) as VoiploadReport);
  report.catch(() => undefined);
  const sipPort = Number(ready[1]);
  return { sipPort, report, stop: () => { child.kill('SIGTERM'); } };
}
