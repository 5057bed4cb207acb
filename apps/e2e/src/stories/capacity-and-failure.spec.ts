import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { customers, pause, TestFleet } from '../harness/test-fleet.js';

const dialRaw = async (fleet: TestFleet, body: unknown, headers: Record<string, string> = {}) => {
  const response = await fetch(`${fleet.api.url}/api/v1/dialout`, { method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'x-api-key': fleet.fleet.runFile.admin_api_key ?? '', ...headers } });
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() as Record<string, unknown> };
};

/** What a careful client does: the same request with the same key until it is taken. */
async function persistentDial(fleet: TestFleet, body: unknown, key: string): Promise<string> {
  for (;;) {
    const answer = await dialRaw(fleet, body, { 'idempotency-key': key });
    if (answer.status === 200) return String(answer.body['session_id']);
    expect(answer.status).toBe(503);
    await pause(Number(answer.retryAfter) * 1000);
  }
}

describe('a fleet of one worker with two slots', () => {
  let fleet: TestFleet;
  let botId: string;
  beforeAll(async () => { fleet = await TestFleet.start({ maxCalls: 2 }); botId = await fleet.bot({ ring_timeout_seconds: 20 }); });
  afterAll(() => fleet?.stop());

  it('refuses the third call at once, says why and when to come back, and takes it once a slot is free', async () => {
    const [first, second] = [await fleet.dial(botId, customers.noAnswer), await fleet.dial(botId, customers.noAnswer)];
    const third = await dialRaw(fleet, { bot_id: botId, to_number: customers.noAnswer });
    expect(third).toMatchObject({ status: 503, body: { code: 'no_capacity' } });
    expect(Number(third.retryAfter)).toBeGreaterThan(0);
    expect(third.body['detail']).toMatch(/1 worker, 1 busy \(2 of 2 calls/);
    await fleet.api.post(`/api/v1/calls/${first}/hangup`, {});
    await fleet.result(first);
    const retried = await fleet.dial(botId, customers.busy);
    await fleet.result(retried);
    await fleet.api.post(`/api/v1/calls/${second}/hangup`, {});
    await fleet.result(second);
  });

  it('dials an idempotent request once, however often it is sent', async () => {
    const before = fleet.carrier.calls.length;
    const body = { bot_id: botId, to_number: customers.busy };
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await dialRaw(fleet, body, { 'idempotency-key': 'lead-1042' }));
    expect(new Set(answers.map((answer) => answer.body['session_id'])).size).toBe(1);
    await fleet.result(String(answers[0].body['session_id']));
    expect(fleet.carrier.calls.length - before).toBe(1);
    expect(await dialRaw(fleet, { ...body, to_number: customers.rejects }, { 'idempotency-key': 'lead-1042' })).toMatchObject({ status: 422 });
  });

  it('gives a live call whose worker is killed a result', async () => {
    const sessionId = await fleet.dial(botId, customers.noAnswer);
    await fleet.event(sessionId, 'call.ringing');
    process.kill(fleet.fleet.runFile.pids.worker[0], 'SIGKILL');
    expect(await fleet.result(sessionId, 60_000)).toMatchObject({ disconnected_by: 'error', hangup_reason: 'worker_lost' });
  });
});

describe('a fleet of two workers', () => {
  let fleet: TestFleet;
  let botId: string;
  beforeAll(async () => { fleet = await TestFleet.start({ workers: 2, maxCalls: 8 }); botId = await fleet.bot(); });
  afterAll(() => fleet?.stop());

  it('loses no dialout when one worker is killed before a claim', async () => {
    process.kill(fleet.fleet.runFile.pids.worker[0], 'SIGKILL');
    const sessions: string[] = [];
    for (let i = 0; i < 6; i++) sessions.push(await persistentDial(fleet, { bot_id: botId, to_number: customers.busy }, `kill-${i}`));
    expect(new Set(sessions).size).toBe(6);
    for (const sessionId of sessions) expect(await fleet.result(sessionId)).toMatchObject({ disconnected_by: 'RNR', hangup_reason: 'busy' });
    expect(fleet.carrier.calls).toHaveLength(6);
  });

  it('shows both again in fleet health once the killed one is back', async () => {
    type Health = { status: string; fleet_max: number; fleet_available: number; workers: { id: string; status: string; calls: number; max: number }[] };
    let health: Health | undefined;
    for (let i = 0; i < 150 && health?.fleet_max !== 16; i++) { await pause(200); health = await fleet.api.get<Health>('/health/fleet'); }
    expect(health).toMatchObject({ status: 'ok', fleet_max: 16, workers: expect.arrayContaining([expect.objectContaining({ id: 'w-1', status: 'ready' }), expect.objectContaining({ id: 'w-2', status: 'ready' })]) });
  });

  it('lets live calls finish when a worker drains', async () => {
    const talker = await fleet.bot({ silence: { enabled: true, prompt_after_ms: 3000, prompts: ['Hello?'], hang_up_after_prompts: 1 } });
    const sessions = [await fleet.dial(talker, customers.silent), await fleet.dial(talker, customers.silent), await fleet.dial(talker, customers.silent)];
    await Promise.all(sessions.map((sessionId) => fleet.event(sessionId, 'call.answered')));
    await fleet.api.post('/api/v1/fleet/workers/w-1/drain', {});
    const results = await Promise.all(sessions.map((sessionId) => fleet.result(sessionId)));
    for (const result of results) expect(result).toMatchObject({ disconnected_by: 'timeout', hangup_reason: 'silence' });
  });
});
