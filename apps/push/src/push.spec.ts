import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { CallOutcome, CallResult, CallTimelineEvent, TimelineEventType } from '@dialfleet/call';
import { createDatabase, migrate, SecretBox, startEmbeddedDatabase, type Database, type EmbeddedDatabase } from '@dialfleet/database';
import { messageId, newSigningSecret, sampleOutcome } from '@dialfleet/delivery';
import { silentLogger, systemClock, uuidV7, type Clock } from '@dialfleet/kit';
import { CallPublisher, connectNats, JetStreamRethrowFilter, subjects, TemporaryNats } from '@dialfleet/messaging';
import { RecordingTokens } from '@dialfleet/storage';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Webhook } from 'standardwebhooks';
import { PushModule } from './push.module.js';
import { PushRuntime } from './push-runtime.js';
import { pushSettings } from './settings.js';

const migrations = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));
const secretKey = randomBytes(32);
const box = new SecretBox(secretKey);
const signingSecret = newSigningSecret();
const workspaceId = 'ws_1';
const botId = 'bot_1';

/** Real time that can be moved on: retries wait for seconds, the test does not. */
class ShiftedClock implements Clock {
  private shiftMs = 0;
  nowMs(): number { return systemClock.nowMs() + this.shiftMs; }
  monotonicMs(): number { return systemClock.monotonicMs() + this.shiftMs; }
  after(delayMs: number, fn: () => void): () => void { return systemClock.after(delayMs, fn); }
  advance(ms: number): void { this.shiftMs += ms; }
}

interface Received { path: string; headers: IncomingHttpHeaders; body: string }

/** A CRM on 127.0.0.1 that answers as told. */
class Receiver {
  readonly received: Received[] = [];
  answer: (request: Received) => { status: number; headers?: Record<string, string> } = () => ({ status: 200 });
  private readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const message = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      this.received.push(message);
      const { status, headers } = this.answer(message);
      response.writeHead(status, headers).end('noted');
    });
  });
  async start(): Promise<void> { this.server.listen(0, '127.0.0.1'); await once(this.server, 'listening'); }
  url(path: string): string { return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`; }
  at(path: string): Received[] { return this.received.filter((message) => message.path === path); }
  async close(): Promise<void> { this.server.closeAllConnections(); this.server.close(); await once(this.server, 'close'); }
}

async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const found = await look();
    if (found) return found as NonNullable<T>;
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

describe('push, with a real broker, database and receiver', () => {
  let nats: TemporaryNats;
  let server: EmbeddedDatabase;
  let database: Database;
  let receiver: Receiver;
  let clock: ShiftedClock;
  let worker: NatsConnection;
  let publisher: CallPublisher;
  let runtime: PushRuntime | undefined;
  let app: INestMicroservice | undefined;

  beforeAll(async () => {
    [nats, server] = await Promise.all([TemporaryNats.start(), startEmbeddedDatabase()]);
    await migrate(server.connectionString, migrations);
    database = createDatabase({ connectionString: server.connectionString, poolSize: 2 });
    await database.workspace.create({ data: { id: workspaceId, name: 'W' } });
    await database.bot.create({ data: { id: botId, workspaceId, name: 'B', currentVersion: 1 } });
    await database.botVersion.create({ data: { botId, version: 1, workspaceId, config: { name: 'B', opening_message: 'Hello' } } });
    worker = await connectNats({ url: nats.url, name: 'worker', logger: silentLogger });
    publisher = new CallPublisher(worker);
  }, 60_000);
  afterAll(async () => {
    await worker?.close();
    await database?.$disconnect();
    await Promise.all([nats?.close(), server?.close()]);
  }, 30_000);

  beforeEach(async () => {
    clock = new ShiftedClock();
    receiver = new Receiver();
    await receiver.start();
  });
  afterEach(async () => {
    await stopPush();
    await receiver.close();
    await (await jetstreamManager(worker)).streams.delete('CALLS').catch(() => undefined);
    await database.deliveryAttempt.deleteMany();
    await database.delivery.deleteMany();
    await database.endpoint.deleteMany();
    await database.deadMessage.deleteMany();
  }, 30_000);

  const startPush = async (env: Record<string, string> = {}): Promise<void> => {
    const settings = pushSettings({ DATABASE_URL: server.connectionString, NATS_URL: nats.url, DIALFLEET_SECRET_KEY: secretKey.toString('base64'), DIALFLEET_DATABASE_POOL: '4',
      DIALFLEET_PUBLIC_URL: 'https://voice.example.com/', DIALFLEET_EGRESS_ALLOW: '127.0.0.1', ...env });
    const brain = { extract: async () => ({ disposition: 'callback_requested', score: 7 }) };
    runtime = await PushRuntime.start(settings, { brain: () => brain, version: '1.2.3', logger: silentLogger, clock });
    app = await NestFactory.createMicroservice(PushModule.register(runtime), { strategy: runtime.strategy, logger: false });
    app.useGlobalFilters(new JetStreamRethrowFilter());
    await app.listen();
    runtime.begin();
  };
  const stopPush = async (): Promise<void> => {
    await app?.close();
    await runtime?.stop();
    app = runtime = undefined;
  };

  const newCall = async (data: { state?: string; workerId?: string; workerEpoch?: string; updatedAt?: Date; acceptedAt?: Date } = {}): Promise<string> => {
    const id = uuidV7();
    await database.call.create({ data: { id, workspaceId, botId, botVersion: 1, fromNumber: '+14155550100', toNumber: '+14155550123', callerId: '+14155550123', variables: { customer_id: 'C-1001' }, ...data } });
    return id;
  };
  const newEndpoint = async (path: string, mapper?: object): Promise<string> => {
    const id = `ep_${path.slice(1)}`;
    await database.endpoint.create({ data: { id, workspaceId, botId, kind: mapper ? 'crm_push' : 'webhook', url: receiver.url(path), mapper, secret: box.seal(signingSecret),
      headers: box.sealJson({ 'X-Tenant': 'acme' }), authScheme: 'bearer', auth: box.sealJson({ scheme: 'bearer', token: 't0k' }) } });
    return id;
  };
  const event = (sessionId: string, seq: number, type: TimelineEventType): CallTimelineEvent => ({
    eventId: `${sessionId}:${seq}`, sessionId, workspaceId, workerId: 'w-1', workerEpoch: 'e1', seq, at: new Date().toISOString(), type, data: {} });
  const outcomeOf = (sessionId: string, changes: Partial<CallOutcome> = {}): CallOutcome =>
    ({ ...sampleOutcome({ sessionId, workspaceId, botId }), workerId: 'w-1', workerEpoch: 'e1', ...changes });
  const resultOf = async (id: string): Promise<CallResult | null> => ((await database.callResult.findUnique({ where: { sessionId: id } }))?.result ?? null) as CallResult | null;
  const handled = (): Promise<boolean> => until(async () => {
    const info = await (await jetstreamManager(worker)).consumers.info('CALLS', 'push');
    return info.num_pending + info.num_ack_pending === 0;
  });

  it('turns events and an outcome into the row, the result, and signed messages', async () => {
    await newEndpoint('/hook');
    await newEndpoint('/crm', { 'lead.id': '{{crm.customer_id}}', disposition: '{{analysis.disposition}}', seconds: '{{result.call_duration_seconds}}', fax: '{{crm.fax}}' });
    await startPush();
    const id = await newCall();
    await publisher.event(event(id, 0, 'call.accepted'));
    await publisher.event(event(id, 1, 'call.ringing'));
    await until(async () => (await database.call.findUniqueOrThrow({ where: { id } })).state === 'ringing');
    await publisher.event(event(id, 2, 'call.answered'));
    await publisher.ended(outcomeOf(id));
    await until(() => receiver.received.length === 2);

    const result = await resultOf(id);
    expect(result).toMatchObject({ session_id: id, disconnected_by: 'bot', analysis_status: 'ok', post_call_analysis: { disposition: 'callback_requested', score: 7 },
      recording_url: `https://voice.example.com/recordings/${new RecordingTokens(secretKey).sign(id)}` });
    expect(result?.events.map(({ type }) => type)).toEqual(['call.accepted', 'call.ringing', 'call.answered']);
    expect(await database.call.findUniqueOrThrow({ where: { id } })).toMatchObject({ state: 'ended', disconnectedBy: 'bot', workerId: 'w-1', durationSeconds: 42.5 });

    const [hook] = receiver.at('/hook');
    expect(JSON.parse(hook.body)).toEqual(result);
    const [crm] = receiver.at('/crm');
    expect(JSON.parse(crm.body)).toEqual({ lead: { id: 'C-1001' }, disposition: 'callback_requested', seconds: 42.5, fax: '' });
    for (const [name, { headers, body }] of [['ep_hook', hook], ['ep_crm', crm]] as const) {
      expect(headers).toMatchObject({ 'webhook-id': messageId(id, name), 'content-type': 'application/json', authorization: 'Bearer t0k', 'x-tenant': 'acme', 'user-agent': 'Dialfleet/1.2.3', 'x-dialfleet-event': 'call.result' });
      expect(new Webhook(signingSecret).verify(body, headers as Record<string, string>)).toEqual(JSON.parse(body));
    }
    await until(async () => await database.delivery.count({ where: { state: 'delivered' } }) === 2);
    const attempts = await database.deliveryAttempt.findMany();
    expect(attempts).toEqual([1, 2].map(() => expect.objectContaining({ attempt: 1, status: 200, error: null, responseBody: 'noted' })));
    expect(JSON.stringify(attempts)).not.toMatch(/t0k|acme/);
    expect((await database.delivery.findUniqueOrThrow({ where: { messageId: messageId(id, 'ep_crm') } })).unresolved).toEqual(['crm.fax']);
  }, 30_000);

  it('makes one result and one message of an outcome that comes again and again, also after a restart', async () => {
    await newEndpoint('/hook');
    await startPush();
    const id = await newCall();
    const again = (): Promise<unknown> => jetstream(worker).publish(subjects.callEnded(id), JSON.stringify(outcomeOf(id)));
    await again();
    await again();
    await publisher.event(event(id, 5, 'call.ended'));
    await until(() => receiver.received.length === 1);
    await handled();
    const first = await resultOf(id);
    await stopPush();
    await again();
    await startPush();
    await handled();
    runtime?.deliveries.wake();
    await until(async () => await database.delivery.count({ where: { state: 'delivered' } }) === 1);
    expect(receiver.received).toHaveLength(1);
    expect(await database.callResult.count({ where: { sessionId: id } })).toBe(1);
    expect(await resultOf(id)).toEqual(first);
    expect((await database.call.findUniqueOrThrow({ where: { id } })).state).toBe('ended');
  }, 30_000);

  it('tries again after a failure, with the same message, when its time has come', async () => {
    await newEndpoint('/hook');
    receiver.answer = () => ({ status: receiver.received.length === 1 ? 500 : 200 });
    await startPush();
    const id = await newCall();
    await publisher.ended(outcomeOf(id));
    const waiting = await until(() => database.delivery.findFirst({ where: { state: 'retry_wait' } }));
    expect(waiting).toMatchObject({ attempt: 1, lastStatus: 500, lastError: 'answered 500' });
    expect(receiver.received).toHaveLength(1);
    clock.advance(6001);
    runtime?.deliveries.wake();
    await until(() => database.delivery.findFirst({ where: { state: 'delivered' } }));
    const [first, second] = receiver.received;
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
    expect(second.body).toBe(first.body);
    expect((await database.deliveryAttempt.findMany({ orderBy: { attempt: 'asc' } })).map(({ attempt, status }) => [attempt, status])).toEqual([[1, 500], [2, 200]]);
  }, 30_000);

  it('410 switches the endpoint off; what follows is held until it is on again', async () => {
    const endpointId = await newEndpoint('/hook');
    receiver.answer = () => ({ status: 410 });
    await startPush();
    await publisher.ended(outcomeOf(await newCall()));
    await until(() => database.endpoint.findFirst({ where: { id: endpointId, enabled: false, disabledReason: 'gone' } }));
    await publisher.ended(outcomeOf(await newCall()));
    await until(async () => await database.delivery.count({ where: { state: 'held' } }) === 2);
    expect(receiver.received).toHaveLength(1);
    receiver.answer = () => ({ status: 200 });
    await database.endpoint.update({ where: { id: endpointId }, data: { enabled: true, disabledReason: null } });
    clock.advance(5001);
    runtime?.deliveries.wake();
    await until(async () => await database.delivery.count({ where: { state: 'delivered' } }) === 2);
  }, 30_000);

  it('a silent endpoint holds up no other', async () => {
    await newEndpoint('/slow');
    await newEndpoint('/quick');
    let release = (): void => undefined;
    const answered = new Promise<void>((resolve) => { release = resolve; });
    const slow = createServer((request, response) => { request.resume(); void answered.then(() => response.end()); });
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    await database.endpoint.update({ where: { id: 'ep_slow' }, data: { url: `http://127.0.0.1:${(slow.address() as AddressInfo).port}/` } });
    await startPush();
    const ids = await Promise.all(Array.from({ length: 12 }, () => newCall()));
    for (const id of ids) await publisher.ended(outcomeOf(id));
    await until(() => receiver.at('/quick').length === 12);
    expect(await database.delivery.count({ where: { endpointId: 'ep_slow', state: 'delivered' } })).toBe(0);
    release();
    await until(async () => await database.delivery.count({ where: { state: 'delivered' } }) === 24);
    slow.close();
  }, 60_000);

  it('sends nothing to a private address that the operator did not allow', async () => {
    await newEndpoint('/hook');
    await startPush({ DIALFLEET_EGRESS_ALLOW: '' });
    await publisher.ended(outcomeOf(await newCall()));
    const delivery = await until(() => database.delivery.findFirst({ where: { state: 'retry_wait' } }));
    expect(delivery.lastError).toContain('not a public address');
    expect(receiver.received).toEqual([]);
  }, 30_000);

  it('buries what is not a call message, and goes on', async () => {
    await startPush();
    const id = await newCall();
    await jetstream(worker).publish(subjects.callEvent(id), JSON.stringify({ sessionId: id, nonsense: true }));
    await jetstream(worker).publish(subjects.callEnded(uuidV7()), 'not json');
    await jetstream(worker).publish(subjects.callEnded(id), JSON.stringify(outcomeOf(id)));
    await until(() => resultOf(id));
    await until(async () => await database.deadMessage.count() === 2);
    await handled();
  }, 30_000);

  it('goes on where it was when the broker comes back', async () => {
    await newEndpoint('/hook');
    await startPush();
    const [before, after] = [await newCall(), await newCall()];
    await publisher.ended(outcomeOf(before));
    await until(() => receiver.received.length === 1);
    await nats.halt('SIGKILL');
    await nats.boot();
    await until(() => publisher.ended(outcomeOf(after)).then(() => true, () => false));
    await until(() => receiver.received.length === 2);
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([messageId(before, 'ep_hook'), messageId(after, 'ep_hook')]);
  }, 60_000);

  it('closes calls whose worker is gone, and amends the result when the outcome turns up', async () => {
    await newEndpoint('/hook');
    await startPush();
    const long = new Date(Date.now() - 60_000);
    const [lost, live, unclaimed] = [await newCall({ workerId: 'w-1', workerEpoch: 'e1', updatedAt: long }), await newCall({ workerId: 'w-2', workerEpoch: 'e2', updatedAt: long }),
      await newCall({ updatedAt: long, acceptedAt: long })];
    clock.advance(31_000);
    worker.publish(subjects.heartbeat('w-2'), JSON.stringify({ workerId: 'w-2', epoch: 'e2' }));
    await worker.flush();
    await until(async () => await resultOf(lost) !== null && await resultOf(unclaimed) !== null);
    expect(await resultOf(lost)).toMatchObject({ disconnected_by: 'error', hangup_reason: 'worker_lost', analysis_status: 'skipped' });
    expect(await resultOf(unclaimed)).toMatchObject({ disconnected_by: 'error', hangup_reason: 'not_dialled', call_duration_seconds: 0 });
    expect(await resultOf(live)).toBeNull();
    await until(() => receiver.received.length === 2);

    await publisher.ended(outcomeOf(lost));
    await until(() => receiver.received.length === 3);
    expect(await resultOf(lost)).toMatchObject({ disconnected_by: 'bot', call_duration_seconds: 42.5 });
    expect(receiver.received[2].headers).toMatchObject({ 'webhook-id': messageId(lost, 'ep_hook', 1), 'x-dialfleet-event': 'call.result.amended' });
    expect(await database.callResult.count({ where: { sessionId: lost } })).toBe(1);
  }, 60_000);

  it('says in one sentence what it cannot reach', async () => {
    const settings = pushSettings({ DATABASE_URL: 'postgresql://postgres:secret@127.0.0.1:1/x', NATS_URL: nats.url, DIALFLEET_SECRET_KEY: secretKey.toString('base64') });
    await expect(PushRuntime.start(settings, { brain: () => ({ extract: async () => ({}) }), version: '1', logger: silentLogger })).rejects.toThrow(/^cannot reach the database at 127\.0\.0\.1:1\/x: (?!.*secret)/);
    const noBroker = pushSettings({ DATABASE_URL: server.connectionString, NATS_URL: 'nats://127.0.0.1:1', DIALFLEET_SECRET_KEY: secretKey.toString('base64') });
    await expect(PushRuntime.start(noBroker, { brain: () => ({ extract: async () => ({}) }), version: '1', logger: silentLogger })).rejects.toThrow(/^cannot reach NATS at nats:\/\/127\.0\.0\.1:1/);
  });
});
