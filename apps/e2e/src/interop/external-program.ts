import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createSocket } from 'node:dgram';
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

  async stop(): Promise<void> {
    if (!this.ended) this.child.kill('SIGKILL');
    await this.exited;
  }
}

/** A port that was free a moment ago, even where `even` (RTP). */
export async function freeUdpPort(even = false): Promise<number> {
  for (;;) {
    const socket = createSocket('udp4');
    const port = await new Promise<number>((resolve) => { socket.bind(0, '127.0.0.1', () => resolve(socket.address().port)); });
    await new Promise<void>((resolve) => { socket.close(() => resolve()); });
    if (!even || port % 2 === 0) return port;
  }
}
