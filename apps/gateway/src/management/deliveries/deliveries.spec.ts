import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@dialfleet/database';
import { sampleOutcome, sampleResult } from '@dialfleet/delivery';
import { uuidV7 } from '@dialfleet/kit';
import { GatewayHarness } from '../../testing/gateway-harness.js';

let gateway: GatewayHarness;
let botId: string;
let endpointId: string;
let neighbour: { key: string };

beforeAll(async () => {
  gateway = await GatewayHarness.start();
  botId = await gateway.bot({ active_hours: { enabled: false, timezone: 'Asia/Tokyo', days: ['mon'], start_time: '09:00', end_time: '17:00' } });
  const mapper = { lead_id: '{{crm.customer_id}}', x: '{{crm.nope}}' };
  endpointId = String((await gateway.post(`/api/v1/bots/${botId}/endpoints`, { kind: 'crm_push', url: 'https://crm.example.com/in', mapper })).body.endpoint_id);
  neighbour = await gateway.neighbour();
}, 60_000);
afterAll(() => gateway?.close());

const add = async (data: { state?: string; createdAt?: Date; attempt?: number; sessionId?: string } = {}): Promise<string> => {
  const id = newId('delivery');
  await gateway.database.delivery.create({ data: {
    id, workspaceId: gateway.workspaceId, sessionId: uuidV7(), endpointId, botId, messageId: `msg_${id}`, body: '{"a":1}', unresolved: ['crm.x'], attempt: 3, lastStatus: 500, ...data } });
  return id;
};
const stateOf = (id: string) => gateway.database.delivery.findUniqueOrThrow({ where: { id } });
const now = (): string => new Date(gateway.clock.nowMs()).toISOString();

describe('deliveries', () => {
  it('are listed newest first, in pages, and by what is asked', async () => {
    const sessionId = uuidV7();
    const ids = [await add({ state: 'dead', sessionId }), await add({ state: 'delivered' }), await add({ state: 'dead' })];
    const list = async (query: string): Promise<unknown[]> => ((await gateway.get(`/api/v1/deliveries?${query}`)).body.data as { delivery_id: string }[]).map((d) => d.delivery_id);
    expect(await list(`endpoint_id=${endpointId}`)).toEqual([...ids].reverse());
    expect(await list('state=dead')).toEqual([ids[2], ids[0]]);
    expect(await list(`session_id=${sessionId}`)).toEqual([ids[0]]);
    const page = await gateway.get('/api/v1/deliveries?limit=1');
    expect(await list(`limit=2&cursor=${String(page.body.next_cursor)}`)).toEqual([ids[1], ids[0]]);
    expect((await gateway.get('/api/v1/deliveries?state=lost')).body).toMatchObject({ status: 422, errors: [{ path: 'state' }] });
    expect((await gateway.get('/api/v1/deliveries', { key: neighbour.key })).body).toEqual({ data: [], next_cursor: null });
  });

  it('show their attempts, the request as sent, and the answer', async () => {
    const id = await add({ state: 'retry_wait' });
    await gateway.database.deliveryAttempt.create({ data: { id: newId('attempt'), workspaceId: gateway.workspaceId, deliveryId: id, attempt: 1, fence: 1, startedAt: new Date(now()), durationMs: 12,
      status: 500, error: 'answered 500', requestHeaders: { authorization: '********' }, responseHeaders: { server: 'x' }, responseBody: 'oops' } });
    expect((await gateway.get(`/api/v1/deliveries/${id}`)).body).toMatchObject({
      delivery_id: id, webhook_id: `msg_${id}`, state: 'retry_wait', attempts_made: 3, last_status: 500, unresolved: ['crm.x'], request_body: '{"a":1}', url: 'https://crm.example.com/in',
      attempts: [{ attempt: 1, started_at: now(), duration_ms: 12, status: 500, error: 'answered 500', request_headers: { authorization: '********' }, response_headers: { server: 'x' }, response_body: 'oops' }] });
    for (const url of [`/api/v1/deliveries/${id}`, '/api/v1/deliveries/dlv_nope', '/api/v1/deliveries/..%2f']) {
      expect((await gateway.get(url, { key: neighbour.key })).body).toMatchObject({ status: 404, code: 'delivery_not_found' });
    }
  });

  it.each(['delivered', 'dead', 'held', 'retry_wait'])('are replayed when %s: same id and body, from the start of the schedule', async (state) => {
    const id = await add({ state });
    const answer = await gateway.post(`/api/v1/deliveries/${id}/replay`);
    expect(answer).toMatchObject({ status: 202, body: { delivery_id: id, webhook_id: `msg_${id}`, state: 'pending', attempts_made: 0, next_attempt_at: now() } });
    expect((await stateOf(id)).body).toBe('{"a":1}');
    expect(await gateway.database.auditEntry.count({ where: { action: 'delivery.replayed', targetId: id } })).toBe(1);
  });
  it('are not replayed while they are being sent, or by others', async () => {
    const id = await add({ state: 'sending' });
    expect((await gateway.post(`/api/v1/deliveries/${id}/replay`)).body).toMatchObject({ status: 409, code: 'conflict' });
    expect((await gateway.post(`/api/v1/deliveries/${id}/replay`, undefined, { key: neighbour.key })).status).toBe(404);
    expect((await stateOf(id)).state).toBe('sending');
  });

  it('are replayed by span of time and state', async () => {
    await gateway.database.deliveryAttempt.deleteMany();
    await gateway.database.delivery.deleteMany();
    const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 4, 12, minute));
    const [before, dead, held, delivered, after] = [await add({ state: 'dead', createdAt: at(0) }), await add({ state: 'dead', createdAt: at(10) }), await add({ state: 'held', createdAt: at(20) }),
      await add({ state: 'delivered', createdAt: at(30) }), await add({ state: 'dead', createdAt: at(40) })];
    const replay = (body: object): Promise<{ status: number; body: Record<string, unknown> }> => gateway.post(`/api/v1/endpoints/${endpointId}/replay`, body);
    const span = { from: at(10).toISOString(), to: at(40).toISOString() };
    expect(await replay(span)).toMatchObject({ status: 202, body: { replayed: 2 } });
    expect(await Promise.all([before, dead, held, delivered, after].map(async (id) => (await stateOf(id)).state))).toEqual(['dead', 'pending', 'pending', 'delivered', 'dead']);
    expect((await replay({ ...span, state: 'delivered' })).body).toEqual({ replayed: 1 });
    expect((await replay({ from: at(0).toISOString() })).body).toEqual({ replayed: 2 });
    expect((await replay({ from: span.to, to: span.from })).body).toMatchObject({ status: 422, errors: [{ path: 'to' }] });
    expect((await replay({ from: 'yesterday' })).body).toMatchObject({ status: 422, errors: [{ path: 'from' }] });
    expect((await gateway.post(`/api/v1/endpoints/${endpointId}/replay`, span, { key: neighbour.key })).body).toMatchObject({ code: 'endpoint_not_found' });
  });
});

describe('endpoint test', () => {
  it('queues a sample message of its own', async () => {
    const answer = await gateway.post(`/api/v1/endpoints/${endpointId}/test`);
    expect(answer).toMatchObject({ status: 202, body: { event: 'test', state: 'pending', endpoint_id: endpointId, unresolved: ['crm.nope'], next_attempt_at: now() } });
    expect(JSON.parse((await stateOf(String(answer.body.delivery_id))).body)).toEqual({ lead_id: 'C-1001', x: '' });
    const again = await gateway.post(`/api/v1/endpoints/${endpointId}/test`);
    expect(again.body.webhook_id).not.toBe(answer.body.webhook_id);
  });
  it('needs an enabled endpoint', async () => {
    await gateway.ask('PATCH', `/api/v1/endpoints/${endpointId}`, { body: { enabled: false } });
    expect((await gateway.post(`/api/v1/endpoints/${endpointId}/test`)).body).toMatchObject({ status: 409 });
    await gateway.ask('PATCH', `/api/v1/endpoints/${endpointId}`, { body: { enabled: true } });
  });
});

describe('mapper preview', () => {
  const preview = (body: object, key?: string): Promise<{ status: number; body: Record<string, unknown> }> => gateway.post(`/api/v1/bots/${botId}/mapper/preview`, body, key ? { key } : {});

  it('shows a sample call in the bot\'s time zone', async () => {
    gateway.clock.advance(6 * 3_600_000);
    expect(await preview({ mapper: { id: '{{crm.customer_id}}', 'call.seconds': '{{result.call_duration_seconds}}', tomorrow: '{{system.date}}', x: '{{crm.nope}}' } })).toMatchObject({
      status: 200, body: { body: { id: 'C-1001', call: { seconds: 42.5 }, tomorrow: '2026-01-06', x: '' }, unresolved: ['crm.nope'] } });
  });
  it('shows a past call of the bot, and of no other', async () => {
    const sessionId = uuidV7();
    const outcome = { ...sampleOutcome({ sessionId, workspaceId: gateway.workspaceId, botId }), crm: { customer_id: 'C-9' } };
    await gateway.database.call.create({ data: { id: sessionId, workspaceId: gateway.workspaceId, botId, botVersion: 1, fromNumber: '+1', toNumber: '+2', callerId: '+2' } });
    await gateway.database.callResult.create({ data: { sessionId, workspaceId: gateway.workspaceId, botId, analysisStatus: 'ok', result: sampleResult(outcome) as object, outcome: outcome as object } });
    const mapper = { id: '{{crm.customer_id}}', session: '{{call.session_id}}' };
    expect((await preview({ mapper, session_id: sessionId })).body).toEqual({ body: { id: 'C-9', session: sessionId }, unresolved: [] });
    const other = await gateway.bot();
    expect((await gateway.post(`/api/v1/bots/${other}/mapper/preview`, { mapper, session_id: sessionId })).body).toMatchObject({ code: 'call_not_found' });
    expect((await preview({ mapper, session_id: uuidV7() })).body).toMatchObject({ code: 'call_not_found' });
  });
  it('says what is wrong with a mapper', async () => {
    expect((await preview({ mapper: { a: '{{lead.x', 'b..c': 1 } })).body).toMatchObject({ status: 422, errors: [{ path: 'mapper.a' }, { path: 'mapper.b..c' }] });
    expect((await preview({ mapper: {} })).body).toMatchObject({ status: 422, errors: [{ path: 'mapper' }] });
    expect((await preview({ mapper: '{}' })).body).toMatchObject({ status: 422 });
    expect((await preview({ mapper: { a: 1 } }, neighbour.key)).body).toMatchObject({ code: 'bot_not_found' });
  });
});
