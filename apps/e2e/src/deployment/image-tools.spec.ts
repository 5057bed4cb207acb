import { startEmbeddedDatabase, type EmbeddedDatabase } from '@dialfleet/database';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readText, repositoryRoot } from './repository.js';

interface Run { code: number; stdout: string; stderr: string }

/** Runs `tools/<name>` as the image does. */
async function runTool(name: string, args: string[], env: Record<string, string>): Promise<Run> {
  const child = spawn(process.execPath, [join(repositoryRoot, 'tools', name), ...args], { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString('utf8'); });
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString('utf8'); });
  const [code] = await once(child, 'close') as [number];
  return { code, stdout, stderr };
}

describe('a new database', () => {
  let database: EmbeddedDatabase;
  let env: Record<string, string>;
  beforeAll(async () => { database = await startEmbeddedDatabase(); env = { DATABASE_URL: database.connectionString }; });
  afterAll(() => database.close());

  it('is migrated once, and gets one owner', async () => {
    expect(await runTool('create-owner.mjs', ['ada@example.com'], env)).toMatchObject({ code: 1, stdout: '' });
    expect(await runTool('migrate.mjs', [], env)).toMatchObject({ code: 0, stdout: expect.stringContaining('_initial') });
    expect(await runTool('migrate.mjs', [], env)).toMatchObject({ code: 0, stdout: 'the database is up to date\n' });
    const owner = JSON.parse((await runTool('create-owner.mjs', ['Ada@Example.com'], env)).stdout) as Record<string, string>;
    expect(owner).toEqual({ email: 'Ada@Example.com', password: expect.stringMatching(/^.{20}$/), admin_api_key: expect.stringMatching(/^df_live_/) });
    const again = await runTool('create-owner.mjs', ['eve@example.com'], env);
    expect(again).toEqual({ code: 1, stdout: '', stderr: expect.stringContaining('there is an owner already') });
  });
});

describe('the migration command', () => {
  it('says which database it cannot reach, without the password', async () => {
    const run = await runTool('migrate.mjs', [], { DATABASE_URL: 'postgresql://dialfleet:hunter2@127.0.0.1:1/dialfleet' });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^migrations failed: .*127\.0\.0\.1:1/);
    expect(run.stderr).not.toContain('hunter2');
  });
});

describe('the health check', () => {
  let folder: string;
  let server: Server;
  let status = 200;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dialfleet-healthcheck-'));
    server = createServer((request, reply) => { reply.writeHead(request.url === '/health/ready' ? status : 404).end(); }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => { server.close(); rmSync(folder, { recursive: true }); });

  it('of the gateway asks whether it is ready', async () => {
    const env = { DIALFLEET_APP: 'gateway', DIALFLEET_PORT: String((server.address() as AddressInfo).port) };
    expect((await runTool('healthcheck.mjs', [], env)).code).toBe(0);
    status = 503;
    expect(await runTool('healthcheck.mjs', [], env)).toMatchObject({ code: 1, stderr: '/health/ready answered 503\n' });
    expect((await runTool('healthcheck.mjs', [], { ...env, DIALFLEET_PORT: '1' })).code).toBe(1);
  });

  it('of worker and push wants a fresh sign of life', async () => {
    const file = join(folder, 'health');
    const env = { DIALFLEET_APP: 'worker', DIALFLEET_HEALTH_FILE: file };
    expect((await runTool('healthcheck.mjs', [], env)).code).toBe(1);
    writeFileSync(file, '');
    expect((await runTool('healthcheck.mjs', [], env)).code).toBe(0);
    const minuteAgo = Date.now() / 1000 - 60;
    utimesSync(file, minuteAgo, minuteAgo);
    expect(await runTool('healthcheck.mjs', [], env)).toMatchObject({ code: 1, stderr: expect.stringMatching(/last sign of life \d+ s ago/) });
  });
});

describe('what an image keeps of node_modules', () => {
  type Reach = (lock: unknown, without: string[]) => Set<string>;
  let runtimePackages: Reach;
  beforeAll(async () => { ({ runtimePackages } = await import(pathToFileURL(join(repositoryRoot, 'tools/prune-node-modules.mjs')).href) as { runtimePackages: Reach }); });

  it('follows dependencies, optional ones and peers, nearest first, but not optional peers', () => {
    const packages = {
      '': { dependencies: { a: '1', tool: '1' } },
      'node_modules/a': { dependencies: { b: '1' }, optionalDependencies: { native: '1', absent: '1' }, peerDependencies: { p: '1', q: '1' }, peerDependenciesMeta: { q: { optional: true } } },
      'node_modules/a/node_modules/b': { dependencies: { c: '1' } },
      'node_modules/b': {}, 'node_modules/c': { dependencies: { a: '1' } }, 'node_modules/native': {}, 'node_modules/p': {}, 'node_modules/q': {},
      'node_modules/tool': { dependencies: { heavy: '1' } }, 'node_modules/heavy': {},
    };
    expect([...runtimePackages({ packages }, ['tool'])].sort()).toEqual(['node_modules/a', 'node_modules/a/node_modules/b', 'node_modules/c', 'node_modules/native', 'node_modules/p']);
  });

  it('has every runtime dependency of this repository, and no build tool', () => {
    const kept = runtimePackages(JSON.parse(readText('package-lock.json')), ['prisma', 'ts7']);
    for (const name of ['@nestjs/core', 'fastify', '@prisma/client', 'pg', 'sip.js', 'onnxruntime-node', 'onnxruntime-common']) expect(kept).toContain(`node_modules/${name}`);
    for (const name of ['prisma', 'ts7', 'typescript', 'jest', '@prisma/engines']) expect(kept).not.toContain(`node_modules/${name}`);
  });
});
