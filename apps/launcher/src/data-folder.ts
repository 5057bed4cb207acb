import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isAlive, processBirth } from './process-table.js';

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

  /** Of a launcher that was killed before it could tidy up. */
  previousRun(): RunFile | null {
    try { return JSON.parse(readFileSync(this.file('run.json'), 'utf8')) as RunFile; } catch { return null; }
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
      writeSync(handle, `${process.pid} ${processBirth(process.pid) ?? ''}`);
      closeSync(handle);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = this.holder();
      if (holder !== null) throw new Error(`${this.path} is in use by another Dialfleet (pid ${holder}); stop it or set DIALFLEET_DATA_DIR`);
      rmSync(this.lockFile, { force: true });
      this.lock();
    }
  }

  /** The process that holds the lock, null when it is gone: its number may belong to another by now. */
  private holder(): number | null {
    const [pid, birth = ''] = readFileSync(this.lockFile, 'utf8').split(' ');
    const now = processBirth(Number(pid));
    const same = now === undefined || birth === '' ? Number(pid) !== process.pid : now === birth;
    return isAlive(Number(pid)) && same ? Number(pid) : null;
  }
}
