import { errorMessage, parseServiceLine, systemClock } from '@dialfleet/kit';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { howItEnded, isRunning, stopProcess } from './child-process.js';
import { RestartPace } from './restart-pace.js';

export interface ServiceSpec {
  /** `gateway`, `worker-1`, … as messages name it. */
  label: string;
  script: string;
  env: Record<string, string>;
  /** Where its log goes: the launcher's stderr, or a file. */
  logFile: string | null;
}

const READY_TIMEOUT_MS = 60_000;
const RESTART_CAP_MS = 15_000;

/** One of our processes: started, waited for until ready, started again when it ends without having been told to. */
export class Service {
  private child: ChildProcess | undefined;
  private stopping = false;
  private readonly pace = new RestartPace(RESTART_CAP_MS);

  constructor(private readonly spec: ServiceSpec, private readonly onChange: () => void, private readonly say: (text: string) => void) {}

  get label(): string { return this.spec.label; }
  get pid(): number | undefined { return this.child && isRunning(this.child) ? this.child.pid : undefined; }

  /** Resolves when the service can do its work. @throws Error with its reason when it cannot. */
  async start(): Promise<void> {
    const { logFile, script, env } = this.spec;
    const output = logFile === null ? 'inherit' as const : openSync(logFile, 'a', 0o600);
    // A process group of its own: Ctrl-C reaches the launcher only, which stops everything in order. The open stdin tells
    // the service when the launcher is gone.
    const child = spawn(process.execPath, ['--no-warnings', '--enable-source-maps', script],
      { env: { ...env, DIALFLEET_SUPERVISED: '1' }, stdio: ['pipe', 'pipe', output], detached: true });
    if (output !== 'inherit') closeSync(output);
    this.child = child;
    const bornAt = systemClock.monotonicMs();
    await this.readiness(child);
    child.once('exit', (code, signal) => { void this.ended(howItEnded(code, signal), systemClock.monotonicMs() - bornAt); });
    this.onChange();
  }

  /** Lets the service finish in its own way; `graceMs` bounds it. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    if (!this.child) return;
    await stopProcess(this.child, graceMs, () => { this.say(`${this.label} did not stop in ${Math.round(graceMs / 1000)} s; killing it`); });
  }

  /** Asks a draining service to hurry. */
  hurry(): void { if (this.pid !== undefined) this.child?.kill('SIGINT'); }

  private async ended(how: string, livedMs: number): Promise<void> {
    this.onChange();
    if (this.stopping) return;
    this.say(`${this.label} ended unexpectedly (${how}); starting it again`);
    await new Promise((resolve) => { setTimeout(resolve, this.pace.nextDelayMs(livedMs)); });
    if (this.stopping) return;
    await this.start().catch((error: unknown) => this.ended(errorMessage(error), 0));
  }

  private readiness(child: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { child.kill('SIGKILL'); fail(`was not ready after ${READY_TIMEOUT_MS / 1000} s`); }, READY_TIMEOUT_MS);
      const fail = (why: string): void => {
        clearTimeout(timer);
        reject(new Error(`${this.label} ${why}${this.spec.logFile ? `; see ${this.spec.logFile}` : ''}`));
      };
      child.once('error', (error) => { fail(`cannot be run: ${error.message}`); });
      // Not 'exit': its last words come before 'close'.
      child.once('close', (code, signal) => { fail(`ended before it was ready (${howItEnded(code, signal)})`); });
      if (child.stdout) createInterface({ input: child.stdout }).on('line', (text) => {
        const line = parseServiceLine(text);
        if (line?.ready === false) fail(`could not start: ${line.reason}`);
        else if (line) { clearTimeout(timer); resolve(); }
      });
    });
  }
}
