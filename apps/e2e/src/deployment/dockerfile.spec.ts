import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readText, repositoryRoot, sourceText } from './repository.js';

const instructions = readText('Dockerfile').replace(/\\\n\s*/g, '').split('\n').filter((line) => /^[A-Z]+ /.test(line));
const last = (op: string): string => instructions.filter((line) => line.startsWith(`${op} `)).at(-1)?.slice(op.length + 1) ?? '';

describe('the Dockerfile', () => {
  it('starts every stage from one pinned base of the supported Node', () => {
    const outside = instructions.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1]).filter((from) => from !== 'base');
    expect(outside).toEqual([expect.stringMatching(/^node:20\.\d+\.\d+-bookworm-slim$/)]);
  });

  it('gives node the signals, and no root', () => {
    expect(JSON.parse(last('CMD'))).toEqual(['node', 'dist/main.js']);
    expect(instructions.findIndex((line) => line === 'USER node')).toBeGreaterThan(instructions.findLastIndex((line) => line.startsWith('RUN ')));
  });

  it('checks its own health', () => {
    expect(last('HEALTHCHECK')).toContain('CMD ["node", "/app/tools/healthcheck.mjs"]');
  });

  it('takes in only files that exist', () => {
    const kept = readText('.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(kept.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([]);
    const named = instructions.join(' ').match(/(?<= )(tools|prisma)\/[\w.-]+/g) ?? [];
    expect(named.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([]);
  });
});

describe('docs/deployment.md', () => {
  it('lists every setting that an app reads', () => {
    const read = ['gateway', 'worker', 'push'].flatMap((app) => sourceText(`apps/${app}/src`).match(/\b(DIALFLEET_[A-Z_]+|NATS_URL|DATABASE_URL)\b/g) ?? []);
    const text = readText('docs/deployment.md');
    // Set by the launcher for its children: not for people.
    expect([...new Set(read)].filter((name) => name !== 'DIALFLEET_SUPERVISED' && !text.includes(`\`${name}\``))).toEqual([]);
  });
});
