import { backoffMs, systemClock } from '@dialfleet/kit';
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';

export interface ServiceSpec {
  /** `gateway`, `worker w-1`, … as messages name it. */
  label: string;
  script: string;
  env: Record<string, string>;
  /** Where its log goes: the launcher's stderr, or a file. */
  logFile: string | null;
}

/** What a service prints on stdout, once, when it can do its work. */
export interface ReadyLine { ready: true; url?: string }

const READY_TIMEOUT_MS = 60_000;
/** A service that lived this long before it ended gets a fresh start at once. */
const STABLE_AFTER_MS = 30_000;

/** One of our processes: started, waited for until ready, started again when it ends without having been told to. */
export class Service {
  private child: ChildProcess | undefined;
  private stopping = false;
  private restarts = 0;
  ready: ReadyLine | undefined;

  constructor(private readonly spec: ServiceSpec, private readonly onChange: () => void, private readonly say: (text: string) => void) {}

  get label(): string { return this.spec.label; }
  get pid(): number | undefined { return this.child?.exitCode === null && this.child.signalCode === null ? this.child.pid : undefined; }

  /** @throws Error with the service's last words when it ends before it is ready. */
  async start(): Promise<ReadyLine> {
    const output = this.spec.logFile === null ? 'inherit' as const : openSync(this.spec.logFile, 'a', 0o600);
    // A process group of its own: Ctrl-C reaches the launcher only, which stops everything in order. The open stdin tells
    // the service when the launcher is gone.
    const child = spawn(process.execPath, ['--no-warnings', '--enable-source-maps', this.spec.script],
      { env: { ...this.spec.env, DIALFLEET_SUPERVISED: '1' }, stdio: ['pipe', 'pipe', output], detached: true });
    this.child = child;
    const bornAt = systemClock.monotonicMs();
    this.ready = await this.readyLine(child);
    child.once('exit', (code, signal) => { void this.ended(code, signal, systemClock.monotonicMs() - bornAt); });
    this.onChange();
    return this.ready;
  }

  /** Lets the service finish in its own way; `graceMs` bounds it. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    const { child } = this;
    if (!child || this.pid === undefined) return;
    const exited = new Promise<void>((resolve) => { child.once('exit', () => { resolve(); }); });
    child.kill('SIGTERM');
    const timer = setTimeout(() => { this.say(`${this.label} did not stop in ${Math.round(graceMs / 1000)} s; killing it`); child.kill('SIGKILL'); }, graceMs);
    await exited;
    clearTimeout(timer);
  }

  /** Asks a draining service to hurry. */
  hurry(): void { if (this.pid !== undefined) this.child?.kill('SIGINT'); }

  private async ended(code: number | null, signal: NodeJS.Signals | null, livedMs: number): Promise<void> {
    this.onChange();
    if (this.stopping) return;
    this.restarts = livedMs > STABLE_AFTER_MS ? 0 : this.restarts + 1;
    const waitMs = 100 + backoffMs(this.restarts, 200, 15_000);
    this.say(`${this.label} ended unexpectedly (${signal ?? `exit code ${code}`}); starting it again`);
    await new Promise((resolve) => { setTimeout(resolve, waitMs); });
    if (this.stopping) return;
    await this.start().catch((error: unknown) => {
      this.say(String(error instanceof Error ? error.message : error));
      return this.ended(1, null, 0);
    });
  }

  private readyLine(child: ChildProcess): Promise<ReadyLine> {
    return new Promise((resolve, reject) => {
      let text = '';
      const timer = setTimeout(() => { child.kill('SIGKILL'); fail(`was not ready after ${READY_TIMEOUT_MS / 1000} s`); }, READY_TIMEOUT_MS);
      const fail = (why: string): void => {
        clearTimeout(timer);
        reject(new Error(`${this.label} ${why}${this.spec.logFile ? `; see ${this.spec.logFile}` : ''}`));
      };
      child.once('error', (error) => { fail(`cannot be run: ${error.message}`); });
      child.once('exit', (code, signal) => { fail(`ended before it was ready (${signal ?? `exit code ${code}`})`); });
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        for (let eol = text.indexOf('\n'); eol >= 0; eol = text.indexOf('\n')) {
          const line = parseReady(text.slice(0, eol));
          text = text.slice(eol + 1);
          if (line) { clearTimeout(timer); child.removeAllListeners('exit'); resolve(line); }
        }
      });
    });
  }
}

function parseReady(line: string): ReadyLine | undefined {
  try {
    const value = JSON.parse(line) as Partial<ReadyLine>;
    return value.ready === true ? value as ReadyLine : undefined;
  } catch { return undefined; }
}
