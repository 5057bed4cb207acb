import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What is shown once by the database and kept here for the one machine that runs it. */
export interface AdminAccess { admin_api_key: string | null; dashboard: { email: string; password: string } | null }

export interface RunFile extends AdminAccess {
  url: string;
  nats_url: string;
  database_url: string;
  pids: { launcher: number[]; gateway: number[]; worker: number[]; push: number[] };
}

/** The folder that holds everything an embedded Dialfleet keeps. One launcher at a time: PGlite takes no lock of its own. */
export class DataFolder {
  readonly path: string;
  private readonly lockFile: string;

  /** @throws Error when another launcher that is still alive uses the folder. */
  constructor(path: string) {
    this.path = resolve(path);
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    this.lockFile = join(this.path, 'launcher.lock');
    this.lock();
  }

  release(): void { rmSync(this.lockFile, { force: true }); rmSync(this.file('run.json'), { force: true }); }
  file(name: string): string { return join(this.path, name); }

  /** 32 bytes, base64; made on first use. */
  secretKey(): string {
    const file = this.file('secret.key');
    if (!existsSync(file)) this.writePrivate('secret.key', `${randomBytes(32).toString('base64')}\n`);
    return readFileSync(file, 'utf8').trim();
  }

  adminAccess(): AdminAccess | null {
    const file = this.file('admin.json');
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as AdminAccess : null;
  }

  keepAdminAccess(access: AdminAccess): void { this.writePrivate('admin.json', `${JSON.stringify(access, null, 2)}\n`); }
  writeRunFile(run: RunFile): void { this.writePrivate('run.json', `${JSON.stringify(run, null, 2)}\n`); }

  /** Readable by the owner only, and never half written. */
  private writePrivate(name: string, text: string): void {
    const file = this.file(name);
    writeFileSync(`${file}.tmp`, text, { mode: 0o600 });
    chmodSync(`${file}.tmp`, 0o600);
    renameSync(`${file}.tmp`, file);
  }

  private lock(): void {
    try {
      const handle = openSync(this.lockFile, 'wx', 0o600);
      writeSync(handle, String(process.pid));
      closeSync(handle);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const pid = Number(readFileSync(this.lockFile, 'utf8'));
      if (pid !== process.pid && isAlive(pid)) throw new Error(`${this.path} is in use by another Dialfleet (pid ${pid}); stop it or set DIALFLEET_DATA_DIR`);
      rmSync(this.lockFile, { force: true });
      this.lock();
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try { process.kill(pid, 0); return true; } catch (error) { return (error as NodeJS.ErrnoException).code === 'EPERM'; }
}
