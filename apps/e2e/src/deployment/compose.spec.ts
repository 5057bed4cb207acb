import { freePort } from '@dialfleet/launcher';
import { connectNats } from '@dialfleet/messaging';
import { jsonLogger } from '@dialfleet/kit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { Ajv } from 'ajv';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { composeFile, composeText, durationSeconds, MissingVariable, parseEnvFile, variablesOf } from './compose-file.js';
import { projectsOf, readText, sourceText } from './repository.js';

const SECRETS = { POSTGRES_PASSWORD: 'pg-secret', NATS_PASSWORD: '1234567e89', DIALFLEET_SECRET_KEY: 'a-key' };
const example = parseEnvFile(readText('.env.example'));
const file = composeFile({ ...example, ...SECRETS });
const { gateway, worker, push, migrate, nats, postgres } = file.services;
const apps = { gateway, worker, push, migrate };

describe('docker-compose.yml', () => {
  it('is valid by the schema of the compose specification', () => {
    const schemas = join(dirname(createRequire(import.meta.url).resolve('dclint/package.json')), 'schemas');
    const schema = JSON.parse(readFileSync(join(schemas, 'compose.schema.json'), 'utf8')) as Record<string, unknown>;
    const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile({ ...schema, $schema: undefined });
    validate(file);
    expect(validate.errors).toBeNull();
    expect(validate({ ...file, services: { ...file.services, worker: { ...worker, portz: [] } } })).toBe(false);
  });

  it.each(Object.keys(SECRETS))('refuses to start without %s, and says how to make one', (name) => {
    const start = (): unknown => composeFile({ ...example, ...SECRETS, [name]: '' });
    expect(start).toThrow(MissingVariable);
    expect(start).toThrow(new RegExp(`${name}: set ${name} in .env.*openssl rand`));
  });

  it('has no secret with a default, and every variable stands in .env.example', () => {
    expect(Object.keys(example).sort()).toEqual(variablesOf(composeText()));
    for (const name of Object.keys(SECRETS)) expect(example[name]).toBe('');
    for (const name of Object.keys(SECRETS)) expect(composeText()).not.toContain(`\${${name}:-`);
  });

  it('passes each app only variables that its code reads', () => {
    const tools = sourceText('tools');
    for (const { build, environment } of Object.values(apps)) {
      const code = tools + projectsOf(build?.args.APP ?? '').map(sourceText).join('\n');
      for (const name of Object.keys(environment ?? {})) expect(code.includes(name) ? [] : [`${build?.args.APP}: ${name}`]).toEqual([]);
    }
  });

  it('publishes nothing to the outside unless told to', () => {
    const published = Object.values(file.services).flatMap(({ ports = [] }) => ports);
    expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(postgres?.ports).toBeUndefined();
    const opened = composeFile({ ...example, ...SECRETS, DIALFLEET_HTTP_BIND: '0.0.0.0' });
    expect(opened.services['gateway']?.ports).toEqual(['0.0.0.0:3000:3000']);
    expect(opened.services['nats']?.ports).toEqual(['127.0.0.1:4222:4222']);
  });

  it('lets replicas of the worker share one host', () => {
    expect(worker).toMatchObject({ network_mode: 'host', environment: { DIALFLEET_SIP_PORT: '0', DIALFLEET_RTP_PORTS: '30000-39999' } });
    expect(worker?.ports).toBeUndefined();
    expect(worker).not.toHaveProperty('container_name');
    // An id given here would be shared by every replica.
    expect(worker?.environment).not.toHaveProperty('DIALFLEET_WORKER_ID');
    // Host-network workers reach the broker where it is published.
    expect(new URL(worker?.environment?.['NATS_URL'] ?? '').host).toBe(nats?.ports?.[0]?.split(':').slice(0, 2).join(':'));
  });

  it('gives a draining worker more time than its calls may take', () => {
    expect(durationSeconds(worker?.stop_grace_period ?? '')).toBeGreaterThanOrEqual(Number(worker?.environment?.['DIALFLEET_DRAIN_TIMEOUT_SECONDS']) + 30);
  });

  it('stops in the order gateway, worker, push, stores', () => {
    const before = (name: string): string[] => Object.keys(file.services[name]?.depends_on ?? {}).flatMap((other) => [other, ...before(other)]);
    expect(before('gateway')).toEqual(expect.arrayContaining(['worker', 'push', 'nats', 'postgres']));
    expect(before('worker')).toEqual(expect.arrayContaining(['push', 'nats', 'postgres']));
    expect(before('push')).toEqual(expect.arrayContaining(['nats', 'postgres']));
  });

  it('checks the health of every service that stays', () => {
    for (const [name, { healthcheck, restart }] of Object.entries(file.services)) {
      if (restart === 'no') continue;
      expect([name, healthcheck?.test?.[0]]).toEqual([name, 'CMD']);
    }
  });

  it('runs the apps without privileges, read-only but for the data volume, with signals passed on', () => {
    for (const app of Object.values(apps)) {
      expect(app).toMatchObject({ init: true, read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      expect(app?.privileged).toBeUndefined();
    }
  });

  it('keeps data on declared volumes, and lets only workers write recordings', () => {
    const mounted = Object.values(file.services).flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0]));
    expect([...new Set(mounted)].sort()).toEqual(Object.keys(file.volumes).sort());
    expect([worker, gateway, push].map((app) => app?.volumes)).toEqual([['data:/data'], ['data:/data:ro'], ['data:/data:ro']]);
    expect(readText('Dockerfile')).toContain('DIALFLEET_DATA_DIR=/data');
  });

  it('pins the images it does not build', () => {
    const [, minor] = /^nats:2\.(\d+)\.\d+-alpine$/.exec(nats?.image ?? '') ?? [];
    expect(Number(minor)).toBeGreaterThanOrEqual(12);
    expect(postgres?.image).toMatch(/^postgres:1[67]\.\d+-/);
  });
});

describe('the broker of docker-compose.yml', () => {
  let folder: string;
  let server: ChildProcess;
  let port: number;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dialfleet-compose-nats-'));
    port = await freePort();
    const monitor = await freePort();
    const content = file.configs['nats']?.content ?? '';
    expect(content).toContain('sync_interval: always');
    writeFileSync(join(folder, 'nats.conf'), content.replace('0.0.0.0:4222', `127.0.0.1:${port}`).replace('127.0.0.1:8222', `127.0.0.1:${monitor}`)
      .replace('/data', folder).replace('sync_interval: always', '')); // servers before 2.10 do not know it
    server = spawn('nats-server', ['--config', join(folder, 'nats.conf')], { env: { ...process.env, ...nats?.environment }, stdio: ['ignore', 'ignore', 'pipe'] });
    await logged(server, 'Server is ready');
    const health = await fetch(`http://127.0.0.1:${monitor}/healthz`);
    expect(health.status).toBe(200);
  });
  afterEach(async () => {
    if (server.exitCode === null && server.signalCode === null) { server.kill(); await once(server, 'exit'); }
    rmSync(folder, { recursive: true, force: true });
  });

  const connectAs = (credentials: string) => connectNats({
    url: `nats://${credentials}127.0.0.1:${port}`, name: 'test', logger: jsonLogger('error', () => undefined), firstConnectTimeoutMs: 2000,
  });

  it('lets nobody in without the password, and stores streams', async () => {
    await expect(connectAs('')).rejects.toThrow(/Authorization Violation/i);
    await expect(connectAs('dialfleet:wrong@')).rejects.toThrow(/Authorization Violation/i);
    const connection = await connectAs(`dialfleet:${SECRETS.NATS_PASSWORD}@`);
    const manager = await jetstreamManager(connection);
    expect((await manager.getAccountInfo()).limits.max_storage).not.toBe(0);
    await connection.close();
  });
});

/** Resolves once `server` has written `words`. @throws Error with what it wrote when it ends before. */
function logged(server: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    server.stderr?.on('data', (chunk: Buffer) => { log += chunk.toString('utf8'); if (log.includes(words)) resolve(); });
    server.once('error', reject).once('exit', () => { reject(new Error(log)); });
  });
}
