import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataFolder } from './data-folder.js';

describe('the data folder', () => {
  let path: string;
  beforeEach(() => { path = mkdtempSync(join(tmpdir(), 'dialfleet-folder-')); });
  afterEach(() => { rmSync(path, { recursive: true, force: true }); });
  const lockFile = (): string => join(path, 'launcher.lock');

  it('belongs to one launcher at a time', () => {
    const folder = new DataFolder(path);
    writeFileSync(lockFile(), readFileSync(lockFile(), 'utf8').replace(/^\d+/, String(process.ppid)).split(' ')[0]);
    expect(() => new DataFolder(path)).toThrow(`is in use by another Dialfleet (pid ${process.ppid})`);
    folder.release();
    expect(() => new DataFolder(path)).not.toThrow();
  });

  it.each([
    ['a process that is gone', `${2 ** 22 + 1} 5`], ['a process whose number another has now', `${process.ppid} 1`],
    ['a process with our own number', `${process.pid} 1`], ['nobody: the file is empty', ''],
  ])('is taken over from %s', (_whom, lock) => {
    writeFileSync(lockFile(), lock);
    const folder = new DataFolder(path);
    expect(readFileSync(lockFile(), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
    folder.release();
  });

  it('keeps its secrets from others, and the same secret key', () => {
    const folder = new DataFolder(path);
    const key = folder.secretKey();
    expect(Buffer.from(key, 'base64')).toHaveLength(32);
    expect(folder.secretKey()).toBe(key);
    folder.keepAdminAccess({ admin_api_key: 'k', dashboard: null });
    expect([folder.file('secret.key'), folder.file('admin.json')].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(folder.adminAccess()).toEqual({ admin_api_key: 'k', dashboard: null });
    expect(folder.previousRun()).toBeNull();
  });
});
