import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** For tests: a real nats-server with JetStream on a free port of 127.0.0.1, storing under the temporary folder. */
export class TemporaryNats {
  private child: ChildProcess | undefined;

  private constructor(private readonly folder: string, private readonly port: number) {}

  static async start(): Promise<TemporaryNats> {
    const nats = new TemporaryNats(await mkdtemp(join(tmpdir(), 'dialfleet-nats-')), await freePort());
    await nats.boot();
    return nats;
  }

  get url(): string { return `nats://127.0.0.1:${this.port}`; }

  /** Same port, same store. */
  async boot(): Promise<void> {
    this.child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(this.port), '-js', '-sd', this.folder], {
      stdio: 'ignore', env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
    });
    for (let attempt = 0; !(await accepts(this.port)); attempt++) {
      if (attempt > 200) throw new Error('nats-server did not start');
      await delay(25);
    }
  }

  /** `SIGKILL`: as if the machine lost power. */
  async halt(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async close(): Promise<void> {
    await this.halt();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

const accepts = (port: number): Promise<boolean> => new Promise((resolve) => {
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('connect', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => { resolve(false); });
});
