import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TimelineEventView } from '@dialfleet/contracts';
import { createDatabase, ensureOwner, migrate, newId, startEmbeddedDatabase, type Database, type EmbeddedDatabase } from '@dialfleet/database';
import { Emitter, silentLogger, VirtualClock } from '@dialfleet/kit';
import { FolderRecordingStore, RecordingTokens } from '@dialfleet/storage';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CallEventFeed } from '../calls/call-event-feed.js';
import { createGateway } from '../gateway-app.js';
import { FakeFleet } from './fake-fleet.js';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));

class FakeFeed extends CallEventFeed {
  readonly emitter = new Emitter<Record<string, TimelineEventView>>();
  follow(sessionId: string, listener: (event: TimelineEventView) => void): () => void { return this.emitter.on(sessionId, listener); }
}

export interface Answer { status: number; headers: Record<string, string | string[] | number | undefined>; body: Record<string, unknown>; text: string }
export interface Ask { key?: string | null; body?: unknown; headers?: Record<string, string> }

/** A whole gateway over a real (embedded) database, with a fake fleet and virtual time. Monday 2026-01-05, 10:00 UTC. */
export class GatewayHarness {
  readonly fleet = new FakeFleet();
  readonly feed = new FakeFeed();
  readonly clock = new VirtualClock();
  readonly secretKey = randomBytes(32);
  readonly tokens = new RecordingTokens(this.secretKey);

  private constructor(
    readonly server: EmbeddedDatabase, readonly database: Database, readonly recordingsDir: string, readonly adminKey: string, readonly workspaceId: string,
  ) {}

  app!: NestFastifyApplication;

  static async start(server?: EmbeddedDatabase): Promise<GatewayHarness> {
    const running = server ?? await startEmbeddedDatabase();
    await migrate(running.connectionString, migrations);
    const database = createDatabase({ connectionString: running.connectionString, poolSize: 8, connectTimeoutMs: 500, statementTimeoutMs: 2000 });
    const owner = await ensureOwner(database, { email: 'owner@example.com', password: 'p' });
    const recordingsDir = await mkdtemp(join(tmpdir(), 'dialfleet-recordings-'));
    const harness = new GatewayHarness(running, database, recordingsDir, owner.adminApiKey!, owner.workspaceId);
    harness.fleet.reset();
    harness.app = await createGateway({
      settings: { secretKey: harness.secretKey, egressAllow: '' }, database, fleet: harness.fleet, events: harness.feed,
      recordings: new FolderRecordingStore(recordingsDir), clock: harness.clock, logger: silentLogger,
    });
    await harness.app.getHttpAdapter().getInstance().ready();
    return harness;
  }

  async ask(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, { key = this.adminKey, body, headers = {} }: Ask = {}): Promise<Answer> {
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await this.app.inject({
      method, url, payload,
      headers: { ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...(key === null ? {} : { 'x-api-key': key }), ...headers },
    });
    const isJson = String(response.headers['content-type']).includes('json');
    return { status: response.statusCode, headers: response.headers, text: response.body, body: isJson ? response.json<Record<string, unknown>>() : {} };
  }

  get = (url: string, ask?: Ask): Promise<Answer> => this.ask('GET', url, ask);
  post = (url: string, body?: unknown, ask: Ask = {}): Promise<Answer> => this.ask('POST', url, { ...ask, body });

  /** A trunk over the API; returns its id. */
  async trunk(change: object = {}): Promise<string> {
    const answer = await this.post('/api/v1/trunks', { name: 'Carrier', host: '127.0.0.1', port: 5060, transport: 'udp', default_from_number: '+14155550100', ...change });
    return String(answer.body.trunk_id);
  }

  async bot(change: object = {}): Promise<string> {
    const answer = await this.post('/api/v1/bots', { name: 'Reminder', opening_message: 'Hello {{crm.name}}', ...change });
    return String(answer.body.bot_id);
  }

  async key(request: object): Promise<string> { return String((await this.post('/api/v1/api-keys', { name: 'k', ...request })).body.key); }

  /** Another workspace with an admin key of its own. */
  async neighbour(): Promise<{ workspaceId: string; key: string }> {
    const { createApiKey } = await import('@dialfleet/database');
    const workspaceId = newId('workspace');
    const { id, mode, key, secretHash, lastFour } = createApiKey();
    await this.database.workspace.create({ data: { id: workspaceId, name: 'Neighbour' } });
    await this.database.apiKey.create({ data: { id, workspaceId, name: 'n', mode, secretHash, lastFour, scopes: ['admin'] } });
    return { workspaceId, key };
  }

  async close(): Promise<void> {
    await this.app?.close();
    await this.database.$disconnect();
    await this.server.close();
    await rm(this.recordingsDir, { recursive: true, force: true });
  }
}
