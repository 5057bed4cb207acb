import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { CallResult } from '@dialfleet/call';
import type { Prisma } from '@dialfleet/database';
import { uuidV7 } from '@dialfleet/kit';
import { GatewayHarness } from '../testing/gateway-harness.js';

let gateway: GatewayHarness;
let botId: string;
const WAV = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256));

beforeAll(async () => {
  gateway = await GatewayHarness.start();
  await gateway.trunk();
  botId = await gateway.bot();
}, 60_000);
afterAll(() => gateway?.close());
beforeEach(() => gateway.fleet.reset());

async function placed(body: object = {}): Promise<string> {
  const answer = await gateway.post('/api/v1/dialout', { bot_id: botId, to_number: '+14155550123', ...body }, { headers: { 'idempotency-key': uuidV7() } });
  expect(answer.status).toBe(200);
  return String(answer.body.session_id);
}

const happened = (sessionId: string, seq: number, type: string, data: Prisma.InputJsonObject = {}): Promise<unknown> => gateway.database.callEvent.create({
  data: { eventId: `${sessionId}:${seq}`, sessionId, workspaceId: gateway.workspaceId, seq, at: new Date(gateway.clock.nowMs() + seq), type, data },
});

async function ended(sessionId: string, recordingKey?: string): Promise<void> {
  const result = { session_id: sessionId, caller_id: '+14155550123', disconnected_by: 'customer', transcript: [{ speaker: 'bot', text: 'Hello', timestamp: 't', offset_ms: 0, interrupted: false }] };
  await gateway.database.call.update({ where: { id: sessionId }, data: { state: 'ended', disconnectedBy: 'customer', endedAt: new Date(), recordingKey } });
  await gateway.database.callResult.create({ data: {
    sessionId, workspaceId: gateway.workspaceId, botId, analysisStatus: 'skipped', result: result as Partial<CallResult> as Prisma.InputJsonObject,
  } });
}

describe('one call', () => {
  it('shows its state while it runs, and its result after', async () => {
    const id = await placed({ variables: { lead: '7' } });
    expect((await gateway.get(`/api/v1/calls/${id}`)).body).toMatchObject({
      session_id: id, status: 'accepted', bot_id: botId, bot_version: 1, caller_id: '+14155550123', variables: { lead: '7' }, answered_at: null, disconnected_by: null,
    });
    await gateway.database.call.update({ where: { id }, data: { state: 'talking', answeredAt: new Date(0) } });
    expect((await gateway.get(`/api/v1/calls/${id}`)).body).toMatchObject({ status: 'talking', answered_at: '1970-01-01T00:00:00.000Z' });
    await ended(id);
    expect((await gateway.get(`/api/v1/calls/${id}`)).body).toMatchObject({ status: 'ended', session_id: id, disconnected_by: 'customer', transcript: [{ text: 'Hello' }] });
  });

  it('is not found by others, whatever the path', async () => {
    const id = await placed();
    const { key } = await gateway.neighbour();
    for (const path of ['', '/recording', '/transcript', '/events', '/sip']) {
      expect((await gateway.get(`/api/v1/calls/${id}${path}`, { key })).body).toMatchObject({ status: 404, code: 'call_not_found' });
    }
    expect((await gateway.post(`/api/v1/calls/${id}/hangup`, undefined, { key })).status).toBe(404);
    for (const odd of ['nope', '%00', '..%2f', uuidV7()]) expect((await gateway.get(`/api/v1/calls/${odd}`)).status).toBe(404);
  });

  it('is forbidden to keys of other bots, and not listed for them', async () => {
    const id = await placed();
    const key = await gateway.key({ scopes: ['calls:read', 'calls:write'], bot_ids: [await gateway.bot()] });
    expect((await gateway.get(`/api/v1/calls/${id}`, { key })).status).toBe(403);
    expect((await gateway.get('/api/v1/calls', { key })).body.data).toEqual([]);
    expect((await gateway.get(`/api/v1/calls?bot_id=${botId}`, { key })).body.data).toEqual([]);
  });

  it('tells what was said so far, then what was said', async () => {
    const id = await placed();
    await happened(id, 0, 'call.answered');
    await happened(id, 1, 'turn.bot', { text: 'Hello', offset_ms: 120 });
    await happened(id, 2, 'turn.customer', { text: 'Hi', offset_ms: 900 });
    expect((await gateway.get(`/api/v1/calls/${id}/transcript`)).body).toMatchObject({
      complete: false, transcript: [{ speaker: 'bot', text: 'Hello', offset_ms: 120 }, { speaker: 'customer', text: 'Hi' }],
    });
    await ended(id);
    expect((await gateway.get(`/api/v1/calls/${id}/transcript`)).body).toMatchObject({ complete: true, transcript: [{ text: 'Hello' }] });
  });
});

describe('the SIP messages', () => {
  const message = (at: string, start_line: string, direction: 'sent' | 'received' = 'sent') =>
    ({ at, direction, transport: 'UDP', peer: '192.0.2.1:5060', start_line, headers: 'To: <sip:+14155550123@example.com>' });

  it('are read as text, from all batches, and stand among the events', async () => {
    const id = await placed();
    await happened(id, 0, 'sip.ladder', { messages: [message('2026-01-05T10:00:00.000Z', 'INVITE sip:b SIP/2.0')] });
    await happened(id, 1, 'call.answered');
    await happened(id, 2, 'sip.ladder', { messages: [message('2026-01-05T10:00:07.500Z', 'SIP/2.0 486 Busy Here', 'received')] });
    const { headers, text } = await gateway.get(`/api/v1/calls/${id}/sip`);
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(text).toMatch(/\+0\.000s \|-- INVITE -+>\|\n {2}\+7\.500s \|<- 486 Busy Here -+\|\n/);
    expect(text).toContain('To: <sip:+14155550123@example.com>');
    expect((await gateway.get(`/api/v1/calls/${id}/events`)).body.events).toMatchObject([{ type: 'sip.ladder' }, { type: 'call.answered' }, { type: 'sip.ladder' }]);
  });

  it('say how the call ended, also before the first message', async () => {
    const id = await placed();
    await happened(id, 0, 'call.ending', { disconnected_by: 'error', hangup_reason: 'trunk_failed', sip_status: null, detail: 'host a.example does not resolve (ENOTFOUND)' });
    expect((await gateway.get(`/api/v1/calls/${id}/sip`)).text).toBe('No SIP message of this call is known.\nEnded: error, trunk_failed: host a.example does not resolve (ENOTFOUND)\n');
  });

  it('say that there are none, and are for who may read the call', async () => {
    const id = await placed();
    expect((await gateway.get(`/api/v1/calls/${id}/sip`)).text).toBe('No SIP message of this call is known.\n');
    const ofOtherBot = await gateway.key({ scopes: ['calls:read'], bot_ids: [await gateway.bot()] });
    expect((await gateway.get(`/api/v1/calls/${id}/sip`, { key: ofOtherBot })).status).toBe(403);
    expect((await gateway.get(`/api/v1/calls/${id}/sip`, { key: await gateway.key({ scopes: ['fleet:read'] }) })).status).toBe(403);
  });
});

describe('hang-up', () => {
  it('goes to the worker that holds the call', async () => {
    const id = await placed();
    expect((await gateway.post(`/api/v1/calls/${id}/hangup`)).body).toEqual({ status: 'ok', session_id: id });
    expect(gateway.fleet.commands).toEqual([['w-1', { command: 'hang_up', sessionId: id }]]);
  });

  it('says when there is nothing to end, or nobody to tell', async () => {
    const id = await placed();
    gateway.fleet.commandAnswer = { ok: false, reason: 'unreachable' };
    expect((await gateway.post(`/api/v1/calls/${id}/hangup`)).body).toMatchObject({ status: 503, code: 'unavailable' });
    gateway.fleet.commandAnswer = { ok: false, reason: 'unknown_session' };
    expect((await gateway.post(`/api/v1/calls/${id}/hangup`)).body).toMatchObject({ status: 409, code: 'call_ended' });
    await ended(id);
    expect((await gateway.post(`/api/v1/calls/${id}/hangup`)).body).toMatchObject({ status: 409, code: 'call_ended' });
    expect((await gateway.post(`/api/v1/calls/${id}/hangup`, undefined, { key: await gateway.key({ scopes: ['calls:read'] }) })).status).toBe(403);
  });

  it('reaches a call that was closed because its worker seemed lost', async () => {
    const id = await placed();
    await ended(id);
    await gateway.database.call.update({ where: { id }, data: { hangupReason: 'worker_lost' } });
    expect((await gateway.post(`/api/v1/calls/${id}/hangup`)).status).toBe(200);
    expect(gateway.fleet.commands).toEqual([['w-1', { command: 'hang_up', sessionId: id }]]);
    gateway.fleet.commandAnswer = { ok: false, reason: 'unreachable' };
    expect((await gateway.post(`/api/v1/calls/${id}/hangup`)).body).toMatchObject({ status: 409, code: 'call_ended' });
  });
});

describe('the list', () => {
  it('pages, newest first, and filters by everything the contract names', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      gateway.clock.advance(1000);
      ids.push(await placed({ to_number: '+14155550144', variables: { customer_id: `c${i}`, 'odd name"': 'x' } }));
    }
    const first = await gateway.get('/api/v1/calls?to_number=%2B14155550144&limit=3');
    const second = await gateway.get(`/api/v1/calls?to_number=%2B14155550144&limit=3&cursor=${String(first.body.next_cursor)}`);
    const idsOf = (answer: { body: Record<string, unknown> }): string[] => (answer.body.data as { session_id: string }[]).map((call) => call.session_id);
    expect([...idsOf(first), ...idsOf(second)]).toEqual([...ids].reverse());
    expect(second.body.next_cursor).toBeNull();
    expect(idsOf(await gateway.get('/api/v1/calls?variables.customer_id=c2'))).toEqual([ids[2]]);
    expect(idsOf(await gateway.get('/api/v1/calls?variables.customer_id=c2&variables.odd%20name%22=x'))).toEqual([ids[2]]);
    expect(idsOf(await gateway.get('/api/v1/calls?variables.customer_id=c2&variables.odd%20name%22=y'))).toEqual([]);
    await ended(ids[1]);
    expect(idsOf(await gateway.get('/api/v1/calls?to_number=%2B14155550144&status=ended'))).toEqual([ids[1]]);
    expect(idsOf(await gateway.get('/api/v1/calls?to_number=+14155550144&status=ended'))).toEqual([ids[1]]);
    expect(idsOf(await gateway.get('/api/v1/calls?to_number=%2B14155550144&disconnected_by=customer'))).toEqual([ids[1]]);
    const from = new Date(gateway.clock.nowMs() - 1000).toISOString();
    expect(idsOf(await gateway.get(`/api/v1/calls?to_number=%2B14155550144&bot_id=${botId}&from=${from}`))).toEqual([ids[4], ids[3]]);
    expect(idsOf(await gateway.get(`/api/v1/calls?to_number=%2B14155550144&to=${from}`))).toEqual([ids[2], ids[1], ids[0]]);
  });

  it.each(['limit=0', 'limit=ten', 'limit=1&limit=2', 'status=over', 'colour=red', 'from=yesterday', 'cursor=%27', 'variables.=1', 'variables.a=1&variables.a=2', 'variables.a=%00'])(
    'refuses ?%s', async (query) => { expect((await gateway.get(`/api/v1/calls?${query}`)).body).toMatchObject({ status: 422, code: 'invalid_request' }); });
});

describe('the recording', () => {
  let id: string;
  beforeAll(async () => {
    id = await placed();
    await mkdir(join(gateway.recordingsDir, '2026'));
    await writeFile(join(gateway.recordingsDir, '2026', 'a.wav'), WAV);
    await ended(id, '2026/a.wav');
  });

  it('comes whole or in part', async () => {
    const whole = await gateway.app.inject({ url: `/api/v1/calls/${id}/recording`, headers: { 'x-api-key': gateway.adminKey } });
    expect([whole.statusCode, whole.headers['content-type'], whole.headers['content-length'], whole.headers['accept-ranges']]).toEqual([200, 'audio/wav', '1000', 'bytes']);
    expect(whole.rawPayload.equals(WAV)).toBe(true);
    const part = await gateway.app.inject({ url: `/api/v1/calls/${id}/recording`, headers: { 'x-api-key': gateway.adminKey, range: 'bytes=10-19' } });
    expect([part.statusCode, part.headers['content-range'], part.rawPayload]).toEqual([206, 'bytes 10-19/1000', WAV.subarray(10, 20)]);
    const beyond = await gateway.get(`/api/v1/calls/${id}/recording`, { headers: { range: 'bytes=1000-' } });
    expect([beyond.body.code, beyond.headers['content-range']]).toEqual(['range_not_satisfiable', 'bytes */1000']);
  });

  it('comes without a key behind its token, and only behind its token', async () => {
    const open = await gateway.app.inject({ url: `/recordings/${gateway.tokens.sign(id)}` });
    expect(open.rawPayload.equals(WAV)).toBe(true);
    for (const token of [gateway.tokens.sign(id).replace(/^./, 'z'), gateway.tokens.sign(uuidV7()), 'x', '..%2f..']) {
      expect((await gateway.get(`/recordings/${token}`, { key: null })).body).toMatchObject({ status: 404, code: 'recording_not_found' });
    }
  });

  it('is not found where nothing was recorded, or the file is gone', async () => {
    const silent = await placed();
    expect((await gateway.get(`/api/v1/calls/${silent}/recording`)).body.code).toBe('recording_not_found');
    const lost = await placed();
    await ended(lost, '2026/lost.wav');
    expect((await gateway.get(`/api/v1/calls/${lost}/recording`)).body.code).toBe('recording_not_found');
  });
});

describe('the timeline', () => {
  it('as JSON', async () => {
    const id = await placed();
    await happened(id, 1, 'call.ringing', { sip_status: 180 });
    await happened(id, 0, 'call.dialling');
    expect((await gateway.get(`/api/v1/calls/${id}/events`)).body).toEqual({
      session_id: id, events: [{ seq: 0, type: 'call.dialling', at: expect.any(String), data: {} }, { seq: 1, type: 'call.ringing', at: expect.any(String), data: { sip_status: 180 } }],
    });
  });

  it('as server-sent events: what was, then what is, each once, until the end', async () => {
    const id = await placed();
    await happened(id, 1, 'call.dialling');
    await happened(id, 2, 'call.ringing');
    await gateway.app.listen(0, '127.0.0.1');
    const { seen, next, closed } = follow(`${await gateway.app.getUrl()}/api/v1/calls/${id}/events`, { 'x-api-key': gateway.adminKey, 'last-event-id': '1' });
    expect(await next()).toMatchObject({ id: '2', event: 'call.ringing' });
    const event = (seq: number, type: string): { seq: number; at: string; type: string; data: Record<string, unknown> } => ({ seq, at: '2026-01-05T10:00:00.000Z', type, data: { n: seq } });
    gateway.feed.emitter.emit(id, event(3, 'call.answered'));
    expect(await next()).toMatchObject({ id: '3', event: 'call.answered', data: { seq: 3, data: { n: 3 } } });
    await happened(id, 3, 'call.answered');
    await happened(id, 4, 'turn.bot', { text: 'a\nb' });
    gateway.clock.advance(5000);
    expect(await next()).toMatchObject({ id: '4', data: { data: { text: 'a\nb' } } });
    gateway.feed.emitter.emit(id, event(5, 'call.ended'));
    await ended(id);
    gateway.clock.advance(200);
    await closed;
    expect(seen.map((e) => e.id)).toEqual(['2', '3', '4', '5']);
  });

  it('in order, where a later event is heard before an earlier one is stored', async () => {
    const id = await placed();
    await happened(id, 1, 'call.dialling');
    const { next, closed } = follow(`${await gateway.app.getUrl()}/api/v1/calls/${id}/events`, { 'x-api-key': gateway.adminKey });
    expect(await next()).toMatchObject({ id: '1' });
    gateway.feed.emitter.emit(id, { seq: 3, at: '2026-01-05T10:00:01.000Z', type: 'call.answered', data: {} });
    await happened(id, 2, 'call.ringing');
    gateway.clock.advance(200);
    expect([await next(), await next()].map((event) => event.id)).toEqual(['2', '3']);
    await ended(id);
    gateway.clock.advance(5000);
    await closed;
  });
});

interface SseEvent { id: string; event: string; data: unknown }

/** A small event-source client. */
function follow(url: string, headers: Record<string, string>): { seen: SseEvent[]; next: () => Promise<SseEvent>; closed: Promise<void> } {
  const seen: SseEvent[] = [];
  const waiting: ((event: SseEvent) => void)[] = [];
  let read = 0;
  let buffer = '';
  const closed = new Promise<void>((resolve, reject) => {
    request(url, { headers: { ...headers, accept: 'text/event-stream' } }, (response) => {
      response.setEncoding('utf8').on('data', (chunk: string) => {
        buffer += chunk;
        for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
          const fields = Object.fromEntries(buffer.slice(0, end).split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
          buffer = buffer.slice(end + 2);
          if (!fields.id) continue;
          seen.push({ id: fields.id, event: fields.event, data: JSON.parse(fields.data) as unknown });
          waiting.shift()?.(seen[read++]);
        }
      }).on('end', resolve);
    }).on('error', reject).end();
  });
  const next = (): Promise<SseEvent> => (read < seen.length ? Promise.resolve(seen[read++]) : new Promise((resolve) => { waiting.push(resolve); }));
  return { seen, next, closed };
}

describe('transfer', () => {
  const transfer = (id: string, body: object = { target: '+1 415 555 0199' }, key?: string) => gateway.post(`/api/v1/calls/${id}/transfer`, body, key ? { key } : {});

  it('goes to the worker that holds the call, which knows the rules of its trunk', async () => {
    const id = await placed();
    expect(await transfer(id)).toMatchObject({ status: 202, body: { status: 'ok', session_id: id } });
    expect(gateway.fleet.commands).toEqual([['w-1', { command: 'transfer', sessionId: id, target: '+1 415 555 0199' }]]);
    expect(gateway.fleet.plans[0].trunk.dialling).toMatchObject({ format: '{e164}', allowedPrefixes: [] });
  });

  it.each([
    ['not_in_conversation', 409, 'call_not_in_conversation'], ['destination_blocked', 422, 'destination_blocked'], ['invalid', 422, 'invalid_request'],
    ['unknown_session', 409, 'call_ended'], ['unreachable', 503, 'unavailable'],
  ] as const)('says why not: %s → %d %s', async (reason, status, code) => {
    const id = await placed();
    gateway.fleet.commandAnswer = { ok: false, reason };
    expect((await transfer(id)).body).toMatchObject({ status, code });
  });

  it('is for keys that may, of calls that run, to something like a number', async () => {
    const id = await placed();
    expect((await transfer(id, {}, await gateway.key({ scopes: ['calls:read'] }))).status).toBe(403);
    for (const body of [{}, { target: '' }, { target: 5 }, { target: '+1\r\nX: y' }, { target: '1'.repeat(65) }]) expect((await transfer(id, body)).status).toBe(422);
    await ended(id);
    expect((await transfer(id)).body).toMatchObject({ status: 409, code: 'call_ended' });
    expect(gateway.fleet.commands).toEqual([]);
  });
});
