import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';

const KEPT_OUTPUT_CHARACTERS = 20_000;

/** Where the system package manager puts it: tests that need it fail with this line when it is missing. */
export function requireProgram(name: string, debianPackage: string): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch { /* not in this folder */ }
  }
  throw new Error(`${name} is not installed: apt-get install ${debianPackage}`);
}

/** A running program of somebody else's: its output, its end, and a sure way to stop it. */
export class ExternalProgram {
  /** The end of what it wrote to stdout and stderr. */
  output = '';
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;

  constructor(path: string, args: readonly string[], cwd: string) {
    this.child = spawn(path, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TERM: 'dumb' } });
    const keep = (chunk: Buffer): void => { this.output = (this.output + chunk.toString()).slice(-KEPT_OUTPUT_CHARACTERS); };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    this.exited = new Promise((resolve, reject) => { this.child.on('error', reject); this.child.on('exit', resolve); });
    this.exited.catch(() => undefined);
  }

  get ended(): boolean { return this.child.exitCode !== null || this.child.signalCode !== null; }

  /** Resolves when the output has `text`; rejects when the program ends without it, or does not write it in time. */
  async wrote(text: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!this.output.includes(text)) {
      if (Date.now() > deadline) throw new Error(`it has not written "${text}" within ${timeoutMs / 1000} s: ${this.output}`);
      if (this.ended) throw new Error(`it ended without writing "${text}": ${this.output}`);
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  }

  /** Asks it to end, for programs that have children to take along; kills it if it does not. */
  async terminate(graceMs = 3000): Promise<void> {
    if (!this.ended) this.child.kill('SIGTERM');
    const impatient = setTimeout(() => { this.child.kill('SIGKILL'); }, graceMs);
    await this.exited;
    clearTimeout(impatient);
  }

  async stop(): Promise<void> {
    if (!this.ended) this.child.kill('SIGKILL');
    await this.exited;
  }
}

/** Below the ports that systems hand out by themselves, so that nobody takes one between our look and the program's start. */
const [FIRST_PORT, LAST_PORT] = [20_000, 29_996];

/** An even port that is free for UDP and TCP, like the three above it (RTCP, and what else programs bind beside RTP). */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT / 2, LAST_PORT / 2) * 2;
    const free = await Promise.all([0, 1, 2, 3].flatMap((above) => [isFreeForUdp(port + above), isFreeForTcp(port + above)]));
    if (free.every(Boolean)) return port;
  }
}

function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => { socket.close(); resolve(false); });
    socket.bind(port, '127.0.0.1', () => { socket.close(() => { resolve(true); }); });
  });
}

function isFreeForTcp(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => { resolve(false); });
    server.listen(port, '127.0.0.1', () => { server.close(() => { resolve(true); }); });
  });
}
