import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, ensureOwner, generateSecretKey, migrate, startEmbeddedDatabase, type EmbeddedDatabase } from '@dialfleet/database';
import { subjects, TemporaryNats } from '@dialfleet/messaging';
import { StubWorker } from './testing/stub-worker.js';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const migrations = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));
const NOWHERE = '127.0.0.1:1';

function launch(env: Record<string, string>): ChildProcess {
  const { PATH } = process.env;
  return spawn(process.execPath, [main], { env: { PATH, DIALFLEET_HOST: '127.0.0.1', DIALFLEET_PORT: '0', DIALFLEET_DATA_DIR: '/nonexistent', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function lastWords(env: Record<string, string>): Promise<{ code: number; lines: Record<string, unknown>[] }> {
  const child = launch(env);
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
  const [code] = await once(child, 'close') as [number];
  return { code, lines: stderr.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('the gateway process', () => {
  let database: EmbeddedDatabase;
  let empty: EmbeddedDatabase;
  let nats: TemporaryNats;
  let worker: StubWorker;
  let gateway: ChildProcess;
  let url: string;
  let key: string;
  const secrets = { DIALFLEET_SECRET_KEY: generateSecretKey() };
  const ask = async (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST', headers: { 'x-api-key': key, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() as Record<string, unknown> };
  };
  /** Asks again until the answer is as wanted: for what becomes true by itself, within 15 s. */
  const until = async (wanted: (answer: Awaited<ReturnType<typeof ask>>) => boolean, path: string, body?: unknown): Promise<Awaited<ReturnType<typeof ask>>> => {
    for (let i = 0; ; i++) {
      const answer = await ask(path, body);
      if (wanted(answer) || i > 150) return answer;
      await delay(100);
    }
  };

  beforeAll(async () => {
    [database, empty, nats] = await Promise.all([startEmbeddedDatabase(), startEmbeddedDatabase(), TemporaryNats.start()]);
    await migrate(database.connectionString, migrations);
    const client = createDatabase({ connectionString: database.connectionString, poolSize: 1 });
    key = (await ensureOwner(client, { email: 'a@b.example', password: 'p' })).adminApiKey!;
    await client.$disconnect();
    worker = await StubWorker.start(nats.url, 'w-1', 2);
    gateway = launch({ ...secrets, DATABASE_URL: database.connectionString, NATS_URL: nats.url, DIALFLEET_DATABASE_POOL: '4' });
    for await (const line of createInterface({ input: gateway.stdout! })) {
      const said = JSON.parse(line) as { ready: boolean; url: string };
      expect(said.ready).toBe(true);
      url = said.url;
      break;
    }
  }, 60_000);
  afterAll(async () => {
    gateway?.kill('SIGKILL');
    await worker?.stop();
    await nats?.close();
    await database?.close();
    await empty?.close();
  }, 30_000);

  it.each<[string, () => Record<string, string>, RegExp]>([
    ['without a database', () => ({ ...secrets, NATS_URL: nats.url, DATABASE_URL: `postgresql://u:hunter2@${NOWHERE}/x` }), /cannot reach the database at 127\.0\.0\.1:1\/x/],
    ['on a database without tables', () => ({ ...secrets, NATS_URL: nats.url, DATABASE_URL: empty.connectionString }), /has no tables yet/],
    ['without a broker', () => ({ ...secrets, DATABASE_URL: database.connectionString, NATS_URL: `nats://u:hunter2@${NOWHERE}` }), /cannot reach NATS at nats:\/\/\*\*\*@127\.0\.0\.1:1/],
    ['without a secret key', () => ({ DATABASE_URL: database.connectionString, NATS_URL: nats.url }), /DIALFLEET_SECRET_KEY is not set/],
    ['with half a secret key', () => ({ DIALFLEET_SECRET_KEY: 'hunter2', DATABASE_URL: database.connectionString }), /DIALFLEET_SECRET_KEY must be 32 bytes/],
    ['with a wrong port', () => ({ ...secrets, DATABASE_URL: 'x', DIALFLEET_PORT: 'http' }), /DIALFLEET_PORT must be a whole number/],
  ])('%s ends with one clear line and code 1', async (_name, env, message) => {
    const { code, lines } = await lastWords(env());
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 'error', message: expect.stringMatching(message) });
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  }, 30_000);

  it('claims over real NATS until the fleet is full', async () => {
    const trunk = await ask('/api/v1/trunks', { name: 'T', host: '127.0.0.1', port: 5060, transport: 'udp', default_from_number: '+14155550100' });
    const bot = await ask('/api/v1/bots', { name: 'B', opening_message: 'Hello', trunk_id: trunk.body.trunk_id });
    const body = { bot_id: bot.body.bot_id, to_number: '+14155550123' };
    await until((answer) => answer.body.fleet_available === 2, '/health/fleet');
    const first = await ask('/api/v1/dialout', body);
    expect(first.status).toBe(200);
    expect(worker.plans[0]).toMatchObject({ sessionId: first.body.session_id, toNumber: '+14155550123' });
    expect((await ask('/api/v1/dialout', body)).status).toBe(200);
    expect(await ask('/api/v1/dialout', body)).toMatchObject({ status: 503, body: { code: 'no_capacity', detail: expect.stringContaining('1 busy') } });
    expect(worker.plans).toHaveLength(2);

  }, 30_000);

  it('ends a call through its worker, and follows it live', async () => {
    const { sessionId } = worker.plans[0];
    expect((await until((answer) => answer.status === 200, `/api/v1/calls/${sessionId}/hangup`, {})).status).toBe(200);
    expect(worker.commands).toContainEqual({ command: 'hang_up', sessionId });

    const stream = await fetch(`${url}/api/v1/calls/${sessionId}/events`, { headers: { 'x-api-key': key, accept: 'text/event-stream' } });
    const ended = { eventId: `${sessionId}:1`, sessionId, seq: 1, at: new Date().toISOString(), type: 'call.ended', data: {} };
    // A plain subscriber hears nothing from before it subscribed: said until it is heard.
    const telling = setInterval(() => worker.publish(subjects.callEvent(sessionId), ended), 100);
    const text = await stream.text();
    clearInterval(telling);
    expect(text.match(/event: call\.ended/g)).toHaveLength(1);
  }, 30_000);

  it('refuses 10 MB without taking them in', async () => {
    const rss = async (): Promise<number> => Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * 1024;
    const before = await rss();
    const big = JSON.stringify({ bot_id: 'x'.repeat(10_000_000) });
    for (let i = 0; i < 10; i++) {
      const answer = await ask('/api/v1/dialout', big).catch((error: unknown) => ({ status: (error as { cause?: { code?: string } }).cause?.code, body: {} }));
      // The answer comes before the body is in: a client that is still writing may find the connection closed instead.
      expect([413, 'EPIPE', 'ECONNRESET', 'UND_ERR_SOCKET']).toContain(answer.status);
    }
    expect(await rss() - before).toBeLessThan(60_000_000);
    expect((await ask('/health/live')).status).toBe(200);
  }, 30_000);

  it('says unavailable while the broker is away, and works again when it is back', async () => {
    const bots = await ask('/api/v1/bots');
    const body = { bot_id: (bots.body.data as { bot_id: string }[])[0].bot_id, to_number: '+14155550123' };
    await nats.halt('SIGKILL');
    expect(await until((answer) => answer.body.code === 'unavailable', '/api/v1/dialout', body)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect((await ask('/health/ready')).status).toBe(503);
    await nats.boot();
    expect((await until((answer) => answer.status === 200, '/health/ready')).status).toBe(200);
    expect((await until((answer) => answer.body.code === 'no_capacity', '/api/v1/dialout', body)).body).toMatchObject({ code: 'no_capacity' });
  }, 60_000);

  it('stops in order when told to', async () => {
    const gone = once(gateway, 'exit');
    gateway.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
  }, 30_000);
});
