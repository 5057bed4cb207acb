import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { assertReachable } from './database.js';
import type { EmbeddedDatabase } from './embedded/embedded-database.js';

const run = promisify(execFile);
/** Unprivileged: PostgreSQL refuses to run as root. */
const NOBODY = 65534;

/** Where `initdb` and `postgres` are, or null: then tests against a real server are skipped. */
export function findPostgresBinaries(): string | null {
  const versions = ['18', '17', '16', '15', '14'].map((version) => `/usr/lib/postgresql/${version}/bin`);
  return [...versions, '/usr/local/pgsql/bin', '/usr/local/bin', '/usr/bin'].find((dir) => existsSync(join(dir, 'initdb'))) ?? null;
}

/** A server that can be taken away and brought back: same port, same data. */
export interface TemporaryPostgres extends EmbeddedDatabase {
  /** `SIGINT` cuts off whoever is connected and shuts down in order; `SIGQUIT` crashes. Default SIGINT. */
  halt(signal?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  boot(): Promise<void>;
}

/** For tests: a real PostgreSQL in a new folder under the system's temporary folder, on a free port of 127.0.0.1. */
export async function startTemporaryPostgres(binaries: string): Promise<TemporaryPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'dialfleet-pg-'));
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (identity.uid !== undefined) await chown(folder, NOBODY, NOBODY);
  const data = join(folder, 'data');
  await run(join(binaries, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'], { ...identity, cwd: folder });
  const port = await freePort();
  const connectionString = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  let halt: TemporaryPostgres['halt'];
  const boot = async (): Promise<void> => {
    const server = spawn(join(binaries, 'postgres'),
      ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-c', 'fsync=off'], { ...identity, cwd: folder, stdio: 'ignore' });
    const exited = once(server, 'exit');
    halt = async (signal = 'SIGINT') => { server.kill(signal); await exited; };
    await untilReachable(connectionString);
  };
  await boot();
  return { connectionString, boot, halt: (signal) => halt(signal), close: async () => { await halt(); await rm(folder, { recursive: true, force: true }); } };
}

async function untilReachable(connectionString: string, attempts = 100): Promise<void> {
  for (;;) {
    try { return await assertReachable(connectionString); } catch (error) {
      if (--attempts <= 0) throw error;
      await delay(100);
    }
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
