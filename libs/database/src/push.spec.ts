import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { CallOutcome, CallTimelineEvent, TimelineEventType } from '@dialfleet/call';
import { HELD_FOR_MS, judgeAttempt, messageId, sampleOutcome, sampleResult, type AttemptVerdict } from '@dialfleet/delivery';
import { uuidV7 } from '@dialfleet/kit';
import { createDatabase, type Database } from './database.js';
import { startEmbeddedDatabase, type EmbeddedDatabase } from './embedded/embedded-database.js';
import { newId } from './ids.js';
import { migrate } from './migrate.js';
import { PushDeadMessages } from './push-dead-messages.js';
import { PushDeliveries, type AttemptRecord, type ClaimedDelivery, type ClaimRequest } from './push-deliveries.js';
import { PushOrphans } from './push-orphans.js';
import { PushResults, type ResultEndpoint } from './push-results.js';
import { callNews, PushTimeline } from './push-timeline.js';
import { findPostgresBinaries, startTemporaryPostgres } from './temporary-postgres.js';

const migrations = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));
const binaries = findPostgresBinaries();
const engines: [string, () => Promise<EmbeddedDatabase>][] = [['PGlite', () => startEmbeddedDatabase()]];
if (binaries !== null) engines.push(['PostgreSQL', () => startTemporaryPostgres(binaries)]);

const NOW = Date.UTC(2026, 0, 5, 10);
const workspaceId = 'ws_1';
const botId = 'bot_1';

describe.each(engines)('push on %s', (engine, start) => {
  let server: EmbeddedDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await start();
    await migrate(server.connectionString, migrations);
    database = createDatabase({ connectionString: server.connectionString, poolSize: 8 });
    await database.workspace.create({ data: { id: workspaceId, name: 'W' } });
    await database.bot.create({ data: { id: botId, workspaceId, name: 'B', currentVersion: 1 } });
    await database.botVersion.create({ data: { botId, version: 1, workspaceId, config: { name: 'B' } } });
  }, 60_000);
  afterAll(async () => { await database?.$disconnect(); await server?.close(); }, 30_000);
  beforeEach(async () => {
    await database.deliveryAttempt.deleteMany();
    await database.delivery.deleteMany();
    await database.endpoint.deleteMany();
    await database.callResult.deleteMany();
    await database.callEvent.deleteMany();
    await database.call.deleteMany();
  });

  const newCall = async (data: { state?: string; workerId?: string; workerEpoch?: string; updatedAt?: Date } = {}): Promise<string> => {
    const id = uuidV7();
    await database.call.create({ data: { id, workspaceId, botId, botVersion: 1, fromNumber: '+1', toNumber: '+2', callerId: '+2', ...data } });
    return id;
  };
  const newEndpoint = async (data: { enabled?: boolean; rateLimit?: object; id?: string } = {}): Promise<ResultEndpoint> => {
    const row = await database.endpoint.create({ data: { id: data.id ?? newId('endpoint'), workspaceId, botId, kind: 'webhook', url: 'https://crm.example.com', secret: 'sealed', ...data } });
    return { id: row.id, kind: row.kind, mapper: row.mapper, enabled: row.enabled };
  };
  const outcomeOf = (sessionId: string, changes: Partial<CallOutcome> = {}): CallOutcome => ({ ...sampleOutcome({ sessionId, workspaceId, botId }), ...changes });

  describe('timeline', () => {
    const event = (sessionId: string, seq: number, type: TimelineEventType, changes: Partial<CallTimelineEvent> = {}): CallTimelineEvent => ({
      eventId: `${sessionId}:${seq}`, sessionId, workspaceId, workerId: 'w-1', workerEpoch: 'e1', seq, at: new Date(NOW + seq * 1000).toISOString(), type, data: { n: seq }, ...changes,
    });
    const rowOf = (id: string) => database.call.findUniqueOrThrow({ where: { id } });

    it('stores events once and moves the row forward only', async () => {
      const timeline = new PushTimeline(database);
      const id = await newCall();
      await timeline.store([event(id, 0, 'call.accepted'), event(id, 1, 'call.dialling'), event(id, 3, 'call.answered')]);
      expect(await rowOf(id)).toMatchObject({ state: 'answered', workerId: 'w-1', workerEpoch: 'e1', lastSeq: 3, answeredAt: new Date(NOW + 3000) });
      await timeline.store([event(id, 2, 'call.ringing')]);
      expect(await rowOf(id)).toMatchObject({ state: 'answered', lastSeq: 3 });
      await timeline.store([event(id, 4, 'turn.bot'), event(id, 3, 'call.answered')]);
      expect(await rowOf(id)).toMatchObject({ state: 'answered', lastSeq: 4, answeredAt: new Date(NOW + 3000) });
      await timeline.store([event(id, 5, 'call.ended')]);
      expect(await rowOf(id)).toMatchObject({ state: 'ending', lastSeq: 5, endedAt: null });
      expect((await database.callEvent.findMany({ where: { sessionId: id }, orderBy: { seq: 'asc' } })).map((row) => [row.seq, row.type, row.data])).toEqual([
        [0, 'call.accepted', { n: 0 }], [1, 'call.dialling', { n: 1 }], [2, 'call.ringing', { n: 2 }], [3, 'call.answered', { n: 3 }], [4, 'turn.bot', { n: 4 }], [5, 'call.ended', { n: 5 }]]);
    });
    it('writes several calls at once, keeps events of unknown calls, leaves ended and foreign ones alone', async () => {
      const timeline = new PushTimeline(database);
      const [a, b, ended, foreign, unknown] = [await newCall(), await newCall(), await newCall({ state: 'ended' }), await newCall(), uuidV7()];
      await timeline.store([event(a, 1, 'call.dialling'), event(b, 1, 'call.ringing'), event(ended, 1, 'call.ringing'), event(foreign, 1, 'call.ringing', { workspaceId: 'ws_2' }), event(unknown, 1, 'call.ringing')]);
      expect([await rowOf(a), await rowOf(b), await rowOf(ended), await rowOf(foreign)].map((call) => call.state)).toEqual(['dialling', 'ringing', 'ended', 'accepted']);
      expect(await database.callEvent.count()).toBe(5);
    });
    it('follows the call to the worker that took it after another', async () => {
      const timeline = new PushTimeline(database);
      const id = await newCall();
      await timeline.store([event(id, 4, 'call.ending')]);
      await timeline.store([event(id, 0, 'call.ringing', { workerId: 'w-2', workerEpoch: 'e2', eventId: `${id}:0:e2` })]);
      expect(await rowOf(id)).toMatchObject({ state: 'ringing', workerId: 'w-2', workerEpoch: 'e2', lastSeq: 0 });
    });
    it('takes what jsonb would refuse', async () => {
      const id = await newCall();
      await new PushTimeline(database).store([event(id, 0, 'turn.customer', { data: { text: 'a\0b\ud800c', 'k\0': 1 } })]);
      expect((await database.callEvent.findFirstOrThrow()).data).toEqual({ text: 'a\ufffdb\ufffdc', 'k\ufffd': 1 });
    });
  });

  describe('results', () => {
    const save = async (outcome: CallOutcome, endpoints: ResultEndpoint[], settled = false): Promise<boolean> => new PushResults(database).save({
      outcome, result: sampleResult(outcome), settled, nowMs: NOW, deliveries: endpoints.map((endpoint) => ({ endpoint, body: `{"e":"${endpoint.id}"}`, unresolved: ['crm.x'] })),
    });

    it('finds what a result is made from', async () => {
      const id = await newCall();
      const endpoint = await newEndpoint();
      await database.callEvent.create({ data: { eventId: `${id}:0`, sessionId: id, workspaceId, seq: 0, at: new Date(NOW), type: 'call.accepted', data: { a: 1 } } });
      await database.callEvent.create({ data: { eventId: `${id}:1`, sessionId: id, workspaceId, seq: 1, at: new Date(NOW), type: 'sip.ladder', data: { messages: [] } } });
      expect(await new PushResults(database).find(outcomeOf(id))).toEqual({
        state: 'accepted', stored: null, endpoints: [endpoint], botVersion: { config: { name: 'B' }, secrets: null },
        events: [{ at: '2026-01-05T10:00:00.000Z', type: 'call.accepted', data: { a: 1 } }],
      });
      expect(await new PushResults(database).find(outcomeOf(uuidV7()))).toBeNull();
      expect(await new PushResults(database).find(outcomeOf(id, { workspaceId: 'ws_2' }))).toBeNull();
    });
    it('stores one result however many try, with one delivery for each endpoint, and ends the call', async () => {
      const id = await newCall();
      const endpoints = [await newEndpoint(), await newEndpoint({ enabled: false })];
      const outcome = outcomeOf(id);
      const stored = await Promise.all([1, 2, 3].map(() => save(outcome, endpoints)));
      expect(stored.filter(Boolean)).toHaveLength(1);
      expect(await database.callResult.count()).toBe(1);
      expect(await database.call.findUniqueOrThrow({ where: { id } })).toMatchObject({
        state: 'ended', disconnectedBy: 'bot', durationSeconds: 42.5, endedAt: new Date(outcome.endedAt), recordingStatus: 'ready', workerId: 'w-sample' });
      expect(await database.delivery.findMany({ orderBy: { endpointId: 'asc' } })).toEqual([
        expect.objectContaining({ messageId: messageId(id, endpoints[0].id), state: 'pending', body: `{"e":"${endpoints[0].id}"}`, unresolved: ['crm.x'], nextAttemptAt: new Date(NOW) }),
        expect.objectContaining({ messageId: messageId(id, endpoints[1].id), state: 'held', heldUntil: new Date(NOW + HELD_FOR_MS), nextAttemptAt: null }),
      ]);
    });
    it('amends a settled result once, with a message of its own', async () => {
      const id = await newCall();
      const endpoint = await newEndpoint();
      expect(await save(outcomeOf(id, { hangupReason: 'worker_lost', disconnectedBy: 'error' }), [endpoint], true)).toBe(true);
      const results = new PushResults(database);
      expect((await results.find(outcomeOf(id)))?.stored).toEqual({ outcome: null, amended: false });
      const outcome = outcomeOf(id);
      const amendment = { outcome, result: sampleResult(outcome), settled: false, nowMs: NOW + 1000, deliveries: [{ endpoint, body: '{}', unresolved: [] }] };
      expect([await results.amend(amendment), await results.amend(amendment)]).toEqual([true, false]);
      expect((await results.find(outcome))?.stored).toEqual({ outcome, amended: true });
      expect(await database.call.findUniqueOrThrow({ where: { id } })).toMatchObject({ disconnectedBy: 'bot' });
      expect((await database.delivery.findMany({ orderBy: { id: 'asc' } })).map((d) => [d.messageId, d.eventType])).toEqual([
        [messageId(id, endpoint.id), 'call.result'], [messageId(id, endpoint.id, 1), 'call.result.amended']]);
    });
    it('leaves nothing behind when a part fails', async () => {
      const id = await newCall();
      const ghost: ResultEndpoint = { id: 'ep_ghost', kind: 'webhook', mapper: null, enabled: true };
      await expect(save(outcomeOf(id), [ghost])).rejects.toThrow();
      expect(await database.callResult.count()).toBe(0);
      expect((await database.call.findUniqueOrThrow({ where: { id } })).state).toBe('accepted');
    });
  });

  describe('orphans and dead messages', () => {
    it('lists quiet calls without a result only', async () => {
      const old = new Date(NOW - 60_000);
      const quiet = await newCall({ workerId: 'w-1', workerEpoch: 'e1', updatedAt: old });
      await newCall({ updatedAt: new Date(NOW) });
      await newCall({ state: 'ended', updatedAt: old });
      await newCall({ state: 'refused', updatedAt: old });
      const calls = await new PushOrphans(database).quietCalls(NOW - 10_000);
      expect(calls).toEqual([expect.objectContaining({ sessionId: quiet, workerId: 'w-1', workerEpoch: 'e1', lastNewsMs: NOW - 60_000, answeredAtMs: null })]);
    });
    it('keeps a dead message once', async () => {
      const dead = new PushDeadMessages(database);
      const message = { stream: 'CALLS', streamSequence: 7, subject: 'call.event.x', payload: '\0{', error: 'bad', attempts: 5, storedAt: new Date(NOW) };
      await dead.keep(message);
      await dead.keep(message);
      expect(await database.deadMessage.findMany()).toEqual([expect.objectContaining({ streamSequence: 7n, payload: '\ufffd{', attempts: 5 })]);
    });
  });

  describe('deliveries', () => {
    const queue = (): PushDeliveries => new PushDeliveries(database);
    let n = 0;
    const add = async (endpoint: ResultEndpoint, data: { sessionId?: string; state?: string; nextAttemptAt?: Date | null; heldUntil?: Date; attempt?: number } = {}): Promise<string> => {
      const id = newId('delivery');
      await database.delivery.create({ data: { id, workspaceId, sessionId: uuidV7(), endpointId: endpoint.id, botId, messageId: `msg_${n++}`, body: '{}', nextAttemptAt: new Date(NOW), ...data } });
      return id;
    };
    const request = (changes: Partial<ClaimRequest> = {}): ClaimRequest => ({ limit: 10, perEndpoint: 10, except: [], leaseMs: 30_000, owner: 'me', nowMs: NOW, ...changes });
    const record: AttemptRecord = { startedAtMs: NOW, durationMs: 12, status: 200, requestHeaders: { a: 'b' }, responseHeaders: { c: 'd' }, responseBody: 'ok\0' };
    const verdict = (status: number, attempt = 1): AttemptVerdict => judgeAttempt({ answered: true, status }, attempt, NOW, () => 0.5);
    const ids = (claimed: ClaimedDelivery[]): string[] => claimed.map(({ id }) => id).sort();
    const stateOf = (id: string) => database.delivery.findUniqueOrThrow({ where: { id } });

    it('claims what is due, oldest first, with what sending needs', async () => {
      const endpoint = await newEndpoint({ rateLimit: { per_second: 50 } });
      const late = await add(endpoint, { nextAttemptAt: new Date(NOW - 1000), state: 'retry_wait', attempt: 3 });
      const due = await add(endpoint);
      await add(endpoint, { nextAttemptAt: new Date(NOW + 1) });
      for (const state of ['delivered', 'dead', 'held']) await add(endpoint, { state });
      expect(ids(await queue().claim(request({ limit: 1 })))).toEqual([late]);
      const [claimed] = await queue().claim(request());
      expect(claimed).toMatchObject({ id: due, attempt: 1, fence: 1, url: 'https://crm.example.com', secret: 'sealed', body: '{}', auth_scheme: 'none', per_second: 50, workspace_id: workspaceId });
      expect(await stateOf(late)).toMatchObject({ state: 'sending', attempt: 4, leaseOwner: 'me', leaseUntil: new Date(NOW + 30_000) });
      expect(await queue().claim(request())).toEqual([]);
    });
    it('takes a delivery over when its lease has run out, and the former holder may not finish it', async () => {
      const id = await add(await newEndpoint());
      const [first] = await queue().claim(request());
      expect(await queue().claim(request({ nowMs: NOW + 29_999 }))).toEqual([]);
      const [second] = await queue().claim(request({ nowMs: NOW + 30_000, owner: 'other' }));
      expect(second).toMatchObject({ id, fence: 2, attempt: 2 });
      expect(await queue().finish(first, record, verdict(200), NOW)).toBe(false);
      expect(await stateOf(id)).toMatchObject({ state: 'sending', leaseOwner: 'other' });
      expect(await queue().finish(second, record, verdict(200), NOW + 1)).toBe(true);
      expect(await stateOf(id)).toMatchObject({ state: 'delivered', deliveredAt: new Date(NOW + 1), lastStatus: 200, leaseOwner: null, nextAttemptAt: null });
      expect(await database.deliveryAttempt.count({ where: { deliveryId: id } })).toBe(2);
    });
    it('records each attempt and waits for the next', async () => {
      const id = await add(await newEndpoint());
      const [claimed] = await queue().claim(request());
      await queue().finish(claimed, { ...record, status: 500 }, verdict(500), NOW);
      expect(await stateOf(id)).toMatchObject({ state: 'retry_wait', nextAttemptAt: new Date(NOW + 5000), lastStatus: 500, lastError: 'answered 500', attempt: 1 });
      expect(await database.deliveryAttempt.findMany()).toEqual([expect.objectContaining({
        deliveryId: id, attempt: 1, status: 500, error: 'answered 500', requestHeaders: { a: 'b' }, responseHeaders: { c: 'd' }, responseBody: 'ok\ufffd', durationMs: 12 })]);
      expect(await queue().claim(request({ nowMs: NOW + 4999 }))).toEqual([]);
      expect(ids(await queue().claim(request({ nowMs: NOW + 5000 })))).toEqual([id]);
    });
    it('sends the messages of one session to one endpoint in order, and those of others meanwhile', async () => {
      const [a, b] = [await newEndpoint(), await newEndpoint()];
      const sessionId = uuidV7();
      const first = await add(a, { sessionId, state: 'retry_wait', nextAttemptAt: new Date(NOW + 5000) });
      const second = await add(a, { sessionId });
      const elsewhere = await add(b, { sessionId });
      const another = await add(a);
      expect(ids(await queue().claim(request()))).toEqual([elsewhere, another].sort());
      const [claimed] = await queue().claim(request({ nowMs: NOW + 5000 }));
      expect(claimed.id).toBe(first);
      expect(await queue().claim(request({ nowMs: NOW + 5000 }))).toEqual([]);
      await queue().finish(claimed, record, verdict(500, 10), NOW + 5000);
      expect(ids(await queue().claim(request({ nowMs: NOW + 5000 })))).toEqual([second]);
    });
    it('gives no endpoint more than its share, and none to those left out', async () => {
      const [slow, limited, other] = [await newEndpoint(), await newEndpoint({ rateLimit: { concurrency: 1 } }), await newEndpoint()];
      for (let i = 0; i < 5; i++) { await add(slow, { nextAttemptAt: new Date(NOW - 1000) }); await add(limited); }
      const theirs = await add(other);
      const claimed = await queue().claim(request({ perEndpoint: 2 }));
      expect(claimed.map((d) => d.endpoint_id).sort()).toEqual([slow.id, slow.id, limited.id, other.id].sort());
      expect(ids(claimed)).toContain(theirs);
      expect(await queue().claim(request({ perEndpoint: 2 }))).toEqual([]);
      expect((await queue().claim(request({ perEndpoint: 3, except: [limited.id] }))).map((d) => d.endpoint_id)).toEqual([slow.id]);
    });
    it('410 disables the endpoint and holds what waits for it; enabling releases it', async () => {
      const endpoint = await newEndpoint();
      const first = await add(endpoint);
      const [claimed] = await queue().claim(request());
      const waiting = [await add(endpoint), await add(endpoint, { state: 'retry_wait', attempt: 4 })];
      await queue().finish(claimed, { ...record, status: 410 }, verdict(410), NOW);
      expect(await database.endpoint.findUniqueOrThrow({ where: { id: endpoint.id } })).toMatchObject({ enabled: false, disabledReason: 'gone', disabledAt: new Date(NOW) });
      for (const id of [first, ...waiting]) expect(await stateOf(id)).toMatchObject({ state: 'held', heldUntil: new Date(NOW + HELD_FOR_MS) });
      expect(await queue().claim(request())).toEqual([]);
      await database.endpoint.update({ where: { id: endpoint.id }, data: { enabled: true } });
      await queue().reconcile(NOW + 1000);
      expect(await stateOf(waiting[1])).toMatchObject({ state: 'pending', attempt: 0, nextAttemptAt: new Date(NOW + 1000), heldUntil: null });
      expect(await queue().claim(request({ nowMs: NOW + 1000 }))).toHaveLength(3);
    });
    it('gives up what was held for 30 days, and what its endpoint was deleted under', async () => {
      const [off, gone] = [await newEndpoint({ enabled: false }), await newEndpoint()];
      const held = await add(off, { state: 'held', heldUntil: new Date(NOW), nextAttemptAt: null });
      const orphan = await add(gone);
      await database.endpoint.update({ where: { id: gone.id }, data: { deletedAt: new Date() } });
      await queue().reconcile(NOW - 1);
      expect((await stateOf(held)).state).toBe('held');
      await queue().reconcile(NOW);
      expect(await stateOf(held)).toMatchObject({ state: 'dead', lastError: 'held for 30 days' });
      expect(await stateOf(orphan)).toMatchObject({ state: 'dead', lastError: 'the endpoint was deleted' });
    });
    it('never leases one delivery to two claimers', async () => {
      const endpoints = [await newEndpoint(), await newEndpoint()];
      for (let i = 0; i < 40; i++) await add(endpoints[i % 2]);
      const claims = await Promise.all(Array.from({ length: 12 }, (_, i) => queue().claim(request({ limit: 5, perEndpoint: 100, owner: `o${i}` }))));
      const claimed = claims.flat().map((d) => d.id);
      expect(new Set(claimed).size).toBe(claimed.length);
    });
    if (engine === 'PostgreSQL') {
      it('passes over what another claimer is just leasing, without waiting for it', async () => {
        const endpoint = await newEndpoint();
        for (let i = 0; i < 4; i++) await add(endpoint);
        await database.$transaction(async (tx) => {
          const theirs = await new PushDeliveries(tx as Database).claim(request({ limit: 2, owner: 'them' }));
          const mine = await queue().claim(request({ owner: 'me' }));
          expect(theirs).toHaveLength(2);
          expect(mine).toHaveLength(2);
          expect(new Set([...ids(theirs), ...ids(mine)]).size).toBe(4);
        });
      });
    }
  });
});

describe('news of calls', () => {
  it('takes the later of two workers, and the furthest of one', () => {
    const event = (seq: number, type: TimelineEventType, workerEpoch: string, atMs: number): CallTimelineEvent =>
      ({ eventId: `${workerEpoch}${seq}`, sessionId: 's', workspaceId, workerId: workerEpoch, workerEpoch, seq, at: new Date(NOW + atMs).toISOString(), type, data: {} });
    expect(callNews([event(1, 'call.ringing', 'b', 30), event(0, 'call.accepted', 'b', 20), event(5, 'call.ended', 'a', 10)])).toEqual([
      expect.objectContaining({ worker_epoch: 'b', seq: 1, progress: 2, answered_at: null })]);
  });
});
