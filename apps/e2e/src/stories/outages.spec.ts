import { readFileSync } from 'node:fs';
import type { CallResult } from '@dialfleet/call';
import { findPostgresBinaries, startTemporaryPostgres, type TemporaryPostgres } from '@dialfleet/database';
import { TemporaryNats } from '@dialfleet/messaging';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../harness/integrator.js';
import { customers, TestFleet } from '../harness/test-fleet.js';

/** The customer says nothing and the bot asks every other second, so that the call lasts until it is hung up. */
const patient = { opening_message: 'Hello.', silence: { enabled: true, prompt_after_ms: 1500, prompts: ['Are you there?'], hang_up_after_prompts: 10 } };

interface LiveCall { sessionId: string; botId: string; path: string }

/** A live call after its opening message: of a bot of its own, whose results go to a path of its own. */
async function liveCall(fleet: TestFleet, path: string, headers: Record<string, string> = {}): Promise<LiveCall> {
  const botId = await fleet.bot(patient);
  await fleet.api.post(`/api/v1/bots/${botId}/endpoints`, { kind: 'webhook', url: `${fleet.crm.url}${path}` });
  const opening = fleet.carrier.next('heard');
  const sessionId = await fleet.dial(botId, customers.silent, {}, headers);
  await opening;
  return { sessionId, botId, path };
}

/** The customer hears a sentence that began from now on. */
const hearsTheBot = (fleet: TestFleet, since = Date.now()): Promise<unknown> => fleet.carrier.next('heard', ({ speech }) => speech.startedAtMs >= since);
const isReady = (fleet: TestFleet): Promise<true> => eventually('the gateway is ready', async () => (await fleet.api.ask('GET', '/health/ready')).status === 200 || undefined);
const hangUp = (fleet: TestFleet, sessionId: string): Promise<unknown> =>
  eventually('the call is hung up', async () => (await fleet.api.ask('POST', `/api/v1/calls/${sessionId}/hangup`, {})).status === 200 || undefined);

/** Asks for another call and expects to be told, without much ado, that this does not work now. */
async function expectUnavailable(fleet: TestFleet, botId: string): Promise<void> {
  const begun = Date.now();
  const answer = await eventually('the outage is noticed', async () => {
    const { status, headers, text } = await fleet.api.ask('POST', '/api/v1/dialout', { bot_id: botId, to_number: customers.busy });
    return status === 503 ? { headers, body: JSON.parse(text) as Record<string, unknown> } : undefined;
  }, 5000);
  expect(answer.body).toMatchObject({ status: 503, code: 'unavailable', request_id: expect.any(String), detail: expect.any(String) });
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(Date.now() - begun).toBeLessThan(5000);
}

/** Waits until the one message about the call is in this state. */
const reaches = (fleet: TestFleet, sessionId: string, state: string): Promise<true> => eventually(`the delivery is ${state}`, async () => {
  const { data } = await fleet.api.get<{ data: { state: string }[] }>(`/api/v1/deliveries?session_id=${sessionId}`);
  return data.length === 1 && data[0].state === state ? true : undefined;
});

/** The call ended with one result that the CRM heard of once. */
async function expectOneResult(fleet: TestFleet, { sessionId, path }: LiveCall, wanted: Partial<CallResult>): Promise<CallResult> {
  const push = await fleet.crm.next(path, 60_000);
  const result = await fleet.result(sessionId);
  expect(result).toMatchObject(wanted);
  expect(JSON.parse(push.body)).toMatchObject({ session_id: sessionId, ...wanted });
  expect(result.events.filter(({ type }) => type === 'call.ended')).toHaveLength(1);
  await reaches(fleet, sessionId, 'delivered');
  expect(new Set(fleet.crm.all(path).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  return result;
}

describe('when parts of the platform are killed during a call', () => {
  let fleet: TestFleet;
  beforeAll(async () => { fleet = await TestFleet.start(); });
  afterAll(() => fleet?.stop());

  it('the broker: it comes back by itself, on the same port, and the call has not noticed', async () => {
    const call = await liveCall(fleet, '/broker');
    const pidFile = fleet.fleet.folder.file('nats/server.pid');
    const pid = Number(readFileSync(pidFile, 'utf8'));
    process.kill(pid, 'SIGKILL');
    await hearsTheBot(fleet);
    await isReady(fleet);
    expect(Number(readFileSync(pidFile, 'utf8'))).not.toBe(pid);
    await hangUp(fleet, call.sessionId);
    await expectOneResult(fleet, call, { disconnected_by: 'bot', hangup_reason: 'hangup_requested', recording_status: 'ready' });
  });

  it('the gateway: the call does not notice, and the same idempotency key finds it again', async () => {
    const headers = { 'idempotency-key': 'before-and-after' };
    const call = await liveCall(fleet, '/gateway', headers);
    const [pid] = fleet.fleet.runFile.pids.gateway;
    const heardWithoutAGateway = hearsTheBot(fleet);
    process.kill(pid, 'SIGKILL');
    await heardWithoutAGateway;
    await isReady(fleet);
    expect(await fleet.dial(call.botId, customers.silent, {}, headers)).toBe(call.sessionId);
    expect(fleet.carrier.calls.filter(({ state }) => state === 'answered')).toHaveLength(1);
    await hangUp(fleet, call.sessionId);
    await expectOneResult(fleet, call, { disconnected_by: 'bot', hangup_reason: 'hangup_requested' });
  });

  it('push, between a failed and the next attempt: one result, under one webhook id', async () => {
    const call = await liveCall(fleet, '/push');
    fleet.crm.statuses.set(call.path, 500);
    await hangUp(fleet, call.sessionId);
    const first = await fleet.crm.next(call.path, 60_000);
    await reaches(fleet, call.sessionId, 'retry_wait');
    process.kill(fleet.fleet.runFile.pids.push[0], 'SIGKILL');
    fleet.crm.statuses.delete(call.path);
    await expectOneResult(fleet, call, { disconnected_by: 'bot', hangup_reason: 'hangup_requested' });
    expect(fleet.crm.all(call.path).length).toBeGreaterThanOrEqual(2);
    expect(fleet.crm.all(call.path).at(-1)?.body).toBe(first.body);
  });
});

const binaries = findPostgresBinaries();

(binaries === null ? describe.skip : describe)('when a broker or database of the operator\'s own is away for a while', () => {
  let nats: TemporaryNats;
  let postgres: TemporaryPostgres;
  let fleet: TestFleet;
  beforeAll(async () => {
    [nats, postgres] = await Promise.all([TemporaryNats.start(), startTemporaryPostgres(String(binaries))]);
    fleet = await TestFleet.start({ env: { NATS_URL: nats.url, DATABASE_URL: postgres.connectionString } });
  });
  afterAll(async () => {
    await fleet?.stop();
    await nats?.close();
    await postgres?.close();
  });

  it('the broker: the call goes on, no new one starts, and the result arrives once it is back', async () => {
    const call = await liveCall(fleet, '/broker');
    await nats.halt('SIGKILL');
    await expectUnavailable(fleet, call.botId);
    await hearsTheBot(fleet);
    await hearsTheBot(fleet);
    await nats.boot();
    await isReady(fleet);
    await hangUp(fleet, call.sessionId);
    const result = await expectOneResult(fleet, call, { disconnected_by: 'bot', hangup_reason: 'hangup_requested', recording_status: 'ready' });
    expect(result.transcript.length).toBeGreaterThanOrEqual(3);
    expect(result.events.filter(({ type }) => type === 'turn.bot')).toHaveLength(result.transcript.length);
  });

  it('the broker, when the call ends meanwhile: the result waits on the worker\'s disk', async () => {
    const botId = await fleet.bot({ opening_message: 'Hello.', silence: { enabled: true, prompt_after_ms: 1000, prompts: ['Goodbye.'], hang_up_after_prompts: 0 } });
    await fleet.api.post(`/api/v1/bots/${botId}/endpoints`, { kind: 'webhook', url: `${fleet.crm.url}/ended-meanwhile` });
    const sessionId = await fleet.dial(botId, customers.silent);
    await fleet.event(sessionId, 'turn.bot');
    const ended = fleet.carrier.next('ended');
    await nats.halt('SIGKILL');
    await ended;
    await nats.boot();
    await expectOneResult(fleet, { sessionId, botId, path: '/ended-meanwhile' }, { disconnected_by: 'timeout', hangup_reason: 'silence' });
  });

  it('the database: no new call starts, and the live one ends with its result once it is back', async () => {
    const call = await liveCall(fleet, '/database');
    await postgres.halt();
    await expectUnavailable(fleet, call.botId);
    await hearsTheBot(fleet);
    await postgres.boot();
    await isReady(fleet);
    await hangUp(fleet, call.sessionId);
    await expectOneResult(fleet, call, { disconnected_by: 'bot', hangup_reason: 'hangup_requested', recording_status: 'ready' });
  });

  it('the database, crashed as the call ends: nothing of it is lost', async () => {
    const call = await liveCall(fleet, '/database-crash');
    await hangUp(fleet, call.sessionId);
    await postgres.halt('SIGQUIT');
    await expectUnavailable(fleet, call.botId);
    await postgres.boot();
    await expectOneResult(fleet, call, { disconnected_by: 'bot', hangup_reason: 'hangup_requested' });
  });
});
