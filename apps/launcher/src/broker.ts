import { systemClock } from '@dialfleet/kit';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { howItEnded, isRunning, stopProcess } from './child-process.js';
import { freePort } from './free-port.js';
import { RestartPace } from './restart-pace.js';

const START_TIMEOUT_MS = 10_000;
const STOP_GRACE_MS = 5000;
/** Everything waits for the broker: it is never left down for long. */
const RESTART_CAP_MS = 2000;

/** Where packages put servers, whatever the user's PATH. */
const env = { ...process.env, PATH: [process.env['PATH'], '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'].join(delimiter) };

/**
 * A nats-server with JetStream on 127.0.0.1, storing into the data folder. When it ends without having been told to, it is
 * started again on the same port and store: clients come back by themselves.
 */
export class Broker {
  private child: ChildProcess | undefined;
  private stopping = false;
  private readonly pace = new RestartPace(RESTART_CAP_MS);

  private constructor(private readonly storeDir: string, private readonly port: number, private readonly say: (text: string) => void) {}

  /** @throws Error when nats-server is missing or does not start. */
  static async start(dataDir: string, say: (text: string) => void): Promise<Broker> {
    if (spawnSync('nats-server', ['--version'], { stdio: 'ignore', env }).error) {
      throw new Error('nats-server is not installed and NATS_URL is not set: sudo apt-get install nats-server');
    }
    const storeDir = join(dataDir, 'nats');
    mkdirSync(storeDir, { recursive: true });
    await stopLeftover(join(storeDir, 'server.pid'));
    const broker = new Broker(storeDir, await freePort(), say);
    await broker.boot();
    return broker;
  }

  get url(): string { return `nats://127.0.0.1:${this.port}`; }

  async stop(): Promise<void> {
    this.stopping = true;
    if (this.child) await stopProcess(this.child, STOP_GRACE_MS);
  }

  private get logFile(): string { return join(this.storeDir, 'server.log'); }

  private async boot(): Promise<void> {
    const bornAt = systemClock.monotonicMs();
    const log = openSync(this.logFile, 'a', 0o600);
    // Its own process group: a Ctrl-C in the terminal must not stop the broker before the calls have drained.
    const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(this.port), '-js', '-sd', this.storeDir, '-P', join(this.storeDir, 'server.pid')],
      { stdio: ['ignore', log, log], detached: true, env });
    closeSync(log);
    this.child = child;
    const ended = new Promise<string>((resolve) => { child.once('exit', (code, signal) => { resolve(howItEnded(code, signal)); }); });
    await this.listening(child);
    void ended.then((how) => this.restart(how, systemClock.monotonicMs() - bornAt));
  }

  private async restart(how: string, livedMs: number): Promise<void> {
    if (this.stopping) return;
    this.say(`nats-server ended unexpectedly (${how}); starting it again`);
    await new Promise((resolve) => { setTimeout(resolve, this.pace.nextDelayMs(livedMs)); });
    if (this.stopping) return;
    await this.boot().catch((error: unknown) => this.restart(error instanceof Error ? error.message : String(error), 0));
  }

  private async listening(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await accepts(this.port)) || !isRunning(child)) {
      if (!isRunning(child) || Date.now() > deadline) { child.kill('SIGKILL'); throw new Error(`nats-server did not start; see ${this.logFile}`); }
      await new Promise((resolve) => { setTimeout(resolve, 30); });
    }
  }
}

/** A launcher that was killed leaves its broker behind; two servers must not share one store. */
async function stopLeftover(pidFile: string): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const isBroker = (): boolean => { try { return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'nats-server'; } catch { return false; } };
  if (isBroker()) process.kill(pid, 'SIGTERM');
  for (let i = 0; i < 100 && isBroker(); i++) await new Promise((resolve) => { setTimeout(resolve, 50); });
  rmSync(pidFile, { force: true });
}

const accepts = (port: number): Promise<boolean> => new Promise((resolve) => {
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('connect', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => { resolve(false); });
});
