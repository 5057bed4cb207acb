import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { systemClock, type Clock } from '@dialfleet/kit';
import { ExternalProgram, freePort, requireProgram } from '../harness/external-program.js';

const SCENARIOS = fileURLToPath(new URL('../../sipp/', import.meta.url));

export interface SippOptions {
  /** Where its logs go. */
  folder: string;
  transport?: 'udp' | 'tcp';
  port?: number;
  /** Further arguments, such as `-rtp_echo`, or whom to call. */
  extra?: readonly string[];
}

/** One call of a scenario in apps/e2e/sipp, on loopback. It ends with 0 when the far side did all that the scenario wants. */
export async function startSipp(scenario: string, { folder, transport = 'udp', port, extra = [] }: SippOptions): Promise<{ program: ExternalProgram; port: number }> {
  const own = port ?? await freePort();
  const program = new ExternalProgram(requireProgram('sipp', 'sip-tester'), ['-sf', join(SCENARIOS, `${scenario}.xml`), '-i', '127.0.0.1', '-p', String(own), '-mi', '127.0.0.1',
    '-mp', String(await freePort()), '-t', transport === 'udp' ? 'u1' : 't1', '-m', '1', '-nostdin', '-deadcall_wait', '0', '-timeout', '30s', '-timeout_error', '-trace_err',
    '-trace_logs', ...extra], folder);
  return { program, port: own };
}

/** Every SIPp saw all that its scenario wants. */
export async function allSatisfied(programs: readonly ExternalProgram[], folder: string): Promise<void> {
  const codes = await Promise.all(programs.map((program) => program.exited));
  const logs = (await readdir(folder)).filter((name) => name.endsWith('_errors.log'));
  const errors = codes.every((code) => code === 0) ? [] : await Promise.all(logs.map((name) => readFile(join(folder, name), 'utf8')));
  expect({ codes, errors }).toEqual({ codes: codes.map(() => 0), errors: [] });
}

export const HURRY = 20;
/** SIP timers run twenty times faster: session intervals have a least of 90 s. */
export const hurriedClock: Clock = {
  nowMs: () => systemClock.nowMs(),
  monotonicMs: () => systemClock.monotonicMs() * HURRY,
  after: (delayMs, act) => systemClock.after(delayMs / HURRY, act),
};
