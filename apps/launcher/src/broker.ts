import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from './free-port.js';

export interface Broker { url: string; pid: number | undefined; stop(): Promise<void>; onExit(listener: (detail: string) => void): void }

const START_TIMEOUT_MS = 10_000;

/** A nats-server with JetStream on 127.0.0.1, storing into the data folder. @throws when it is missing or does not start. */
export async function startBroker(dataDir: string): Promise<Broker> {
  if (spawnSync('nats-server', ['--version'], { stdio: 'ignore' }).error) {
    throw new Error('nats-server is not installed and NATS_URL is not set: sudo apt-get install nats-server');
  }
  const port = await freePort();
  const storeDir = join(dataDir, 'nats');
  mkdirSync(storeDir, { recursive: true });
  await stopLeftover(join(storeDir, 'server.pid'));
  const log = openSync(join(storeDir, 'server.log'), 'a', 0o600);
  // Its own process group: a Ctrl-C in the terminal must not stop the broker before the calls have drained.
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', storeDir, '-P', join(storeDir, 'server.pid')], { stdio: ['ignore', log, log], detached: true });
  await listening(child, port, join(storeDir, 'server.log'));
  return {
    url: `nats://127.0.0.1:${port}`, pid: child.pid, stop: () => stopProcess(child),
    onExit: (listener) => { child.once('exit', (code, signal) => { listener(`nats-server ended (${signal ?? `exit code ${code}`}); see ${join(storeDir, 'server.log')}`); }); },
  };
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

async function listening(child: ChildProcess, port: number, logFile: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > deadline) { child.kill('SIGKILL'); throw new Error(`nats-server did not start; see ${logFile}`); }
    await new Promise((resolve) => { setTimeout(resolve, 30); });
  }
}

const accepts = (port: number): Promise<boolean> => new Promise((resolve) => {
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('connect', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => { resolve(false); });
});

/** SIGTERM, then SIGKILL after `graceMs`. */
export async function stopProcess(child: ChildProcess, graceMs = 5000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => { child.once('exit', () => { resolve(); }); });
  child.kill('SIGTERM');
  const timer = setTimeout(() => { child.kill('SIGKILL'); }, graceMs);
  await exited;
  clearTimeout(timer);
}
