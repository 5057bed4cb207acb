import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CallOutcome, CallPlan } from '@dialfleet/call';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { connectNats, ensureCallsStream, FleetClient, subjects, TemporaryNats } from '@dialfleet/messaging';
import { jetstreamManager } from '@nats-io/jetstream';
import { lineMatching, stopChild } from '../helper-process.js';
import { CORE_UNDER_TEST } from '../machine.js';
import type { Undo } from '../undo.js';

const script = fileURLToPath(new URL('../../../../worker/dist/main.js', import.meta.url));
const IDLE_WITHIN_MS = 60_000;

/** The real worker process with all its threads on one core, a broker beside it, and a claimer in the gateway's place. */
export class PinnedWorker {
  private constructor(readonly pid: number, private readonly dataDir: string, private readonly fleet: FleetClient, private readonly outcomes: Map<string, CallOutcome>) {}

  static async start(undo: Undo): Promise<PinnedWorker> {
    const dataDir = mkdtempSync(join(tmpdir(), 'dialfleet-bench-'));
    undo.add(() => { rmSync(dataDir, { recursive: true, force: true }); });
    const nats = await TemporaryNats.start();
    undo.add(() => nats.close());
    const nc = await connectNats({ url: nats.url, name: 'bench claimer', logger: silentLogger });
    undo.add(() => nc.close());
    await ensureCallsStream(await jetstreamManager(nc));
    const outcomes = new Map<string, CallOutcome>();
    nc.subscribe(subjects.callsEnded, { callback: (error, message) => {
      if (error) return;
      const outcome = message.json<CallOutcome>();
      outcomes.set(outcome.sessionId, outcome);
    } });
    const fleet = await FleetClient.connect(nc, systemClock, silentLogger);
    const pid = await startWorker(dataDir, nats.url, undo);
    const worker = new PinnedWorker(pid, dataDir, fleet, outcomes);
    for (const deadline = Date.now() + 10_000; worker.calls === null; await delay(50)) if (Date.now() > deadline) throw new Error('the worker sends no heartbeat');
    return worker;
  }

  /** As its heartbeat says; null: not heard of. */
  get calls(): number | null { return this.fleet.workers().find((worker) => worker.status === 'ready')?.calls ?? null; }

  /** Claims `count` calls at an even pace, whatever becomes of them. Resolves with those that were taken. */
  async place(count: number, perSecond: number, plan: () => CallPlan): Promise<string[]> {
    const begun = performance.now();
    const claims: Promise<string | null>[] = [];
    for (let i = 0; i < count; i++) {
      await delay(Math.max(0, begun + (i * 1000) / perSecond - performance.now()));
      const call = plan();
      claims.push(this.fleet.claim(call).then((outcome) => (outcome.ok ? call.sessionId : null)));
    }
    return (await Promise.all(claims)).filter((id) => id !== null);
  }

  /** The outcome of each call, once all have one, or what there is after `timeoutMs`. */
  async outcomesOf(sessionIds: readonly string[], timeoutMs: number): Promise<CallOutcome[]> {
    const known = (): CallOutcome[] => sessionIds.flatMap((id) => this.outcomes.get(id) ?? []);
    for (const deadline = Date.now() + timeoutMs; known().length < sessionIds.length && Date.now() < deadline;) await delay(100);
    return known();
  }

  /** Resolves when the last call is over and its outcome is out. */
  async idle(): Promise<void> {
    for (const deadline = Date.now() + IDLE_WITHIN_MS; this.calls !== 0; await delay(100)) {
      if (Date.now() > deadline) throw new Error(`the worker still has ${this.calls ?? 'an unknown number of'} calls a minute after their end`);
    }
  }

  /** Recordings that hold at least so many seconds; they are deleted. */
  takeRecordings(minSeconds: number): number {
    const folder = join(this.dataDir, 'recordings');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.wav')).map((name) => join(folder, name));
    const BYTES_PER_SECOND = 2 * 2 * 8000;
    const whole = files.filter((file) => statSync(file).size >= minSeconds * BYTES_PER_SECOND);
    for (const file of files) rmSync(file);
    return whole.length;
  }
}

async function startWorker(dataDir: string, natsUrl: string, undo: Undo): Promise<number> {
  const log = openSync(join(dataDir, 'worker.log'), 'a');
  const profile = process.env['BENCH_PROFILE_DIR'] ? ['--cpu-prof', `--cpu-prof-dir=${process.env['BENCH_PROFILE_DIR']}`] : [];
  const child = spawn('taskset', ['-c', String(CORE_UNDER_TEST), process.execPath, '--no-warnings', ...profile, script], {
    stdio: ['pipe', 'pipe', log],
    env: {
      ...process.env, NATS_URL: natsUrl, DIALFLEET_DATA_DIR: dataDir, DIALFLEET_WORKER_ID: 'w-bench', DIALFLEET_MAX_CALLS: '2000', DIALFLEET_SIP_PORT: '0',
      DIALFLEET_RTP_PORTS: '20000-29999', DIALFLEET_ADVERTISED_ADDRESS: '127.0.0.1', DIALFLEET_DRAIN_TIMEOUT_SECONDS: '1', DIALFLEET_LOG_LEVEL: 'warn',
      DIALFLEET_SUPERVISED: '1',
    },
  });
  undo.add(() => stopChild(child, 20_000));
  await lineMatching(child, /"ready":true/, 'the worker');
  return child.pid ?? 0;
}
