import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readText, repositoryRoot } from './repository.js';

interface Manifest { version: string; license?: string; licenses?: { type: string }[]; dependencies?: Record<string, string>; devDependencies?: Record<string, string> }
interface LockEntry { license?: string; dev?: boolean; link?: boolean }

const manifest = JSON.parse(readText('package.json')) as Manifest;
const lock = JSON.parse(readText('package-lock.json')) as { packages: Record<string, LockEntry> };
const installed = (path: string): Manifest | undefined => {
  const file = join(repositoryRoot, path, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as Manifest : undefined;
};
const licenceOf = (it: Manifest | undefined): string | undefined => it?.license ?? it?.licenses?.map(({ type }) => type).join(' OR ');

/** Rows of the tables under `## <title>`: package, version, licence, purpose. */
function listed(title: string): string[][] {
  const section = readText('docs/dependencies.md').split(/^## /m).find((part) => part.startsWith(title)) ?? '';
  return section.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim().replaceAll('`', '')));
}

/** One alternative of `A OR B` is enough; every part of `A AND B` counts. */
const isCopyleft = (expression: string): boolean =>
  expression.replace(/[()]/g, '').split(/ OR /i).every((option) => option.split(/ AND /i).some((id) => /\b[AL]?GPL\b|SSPL|BUSL|Commons-Clause/i.test(id)));

describe.each([['Runtime', manifest.dependencies ?? {}], ['Development', manifest.devDependencies ?? {}]])('docs/dependencies.md, %s', (title, dependencies) => {
  const rows = listed(title);

  it('lists every dependency of package.json and no other', () => {
    expect(rows.map(([name]) => name).sort()).toEqual(Object.keys(dependencies).sort());
  });

  it('names version and licence of what is installed, and what it is for', () => {
    for (const [name, version, licence, purpose] of rows) {
      const found = installed(`node_modules/${name}`);
      expect({ name, version, licence }).toEqual({ name, version: found?.version, licence: licenceOf(found) });
      expect(purpose?.length).toBeGreaterThan(4);
    }
  });

  it('is about exact pins', () => {
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^(npm:[\w@/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/);
  });
});

describe('licences', () => {
  it('tells copyleft from permissive expressions', () => {
    expect(['GPL-3.0', 'AGPL-3.0-only', 'LGPL-2.1 AND MIT', '(GPL-2.0 OR AGPL-3.0)'].filter((id) => !isCopyleft(id))).toEqual([]);
    expect(['MIT', '(MIT OR GPL-3.0)', 'BSD-3-Clause', 'Apache-2.0 AND ISC'].filter(isCopyleft)).toEqual([]);
  });

  it('of everything that may run are permissive, transitive packages included', () => {
    const runtime = Object.entries(lock.packages).filter(([path, { dev, link }]) => path.includes('node_modules/') && !dev && !link);
    expect(runtime.length).toBeGreaterThan(200);
    const copyleft = runtime.filter(([path, entry]) => isCopyleft(licenceOf(installed(path)) ?? entry.license ?? '')).map(([path]) => path);
    expect(copyleft).toEqual([]);
  });

  it('of this repository is the plain Apache License 2.0', async () => {
    const { createHash } = await import('node:crypto');
    // SHA-256 of the text at apache.org/licenses/LICENSE-2.0.txt
    expect(createHash('sha256').update(readText('LICENSE')).digest('hex')).toBe('cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30');
  });
});
