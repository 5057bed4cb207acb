import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findPostgresBinaries, startTemporaryPostgres } from '@dialfleet/database';
import type { ClaimOutcome } from '@dialfleet/fleet';
import { isUuid } from '@dialfleet/kit';
import { workerView } from '../testing/fake-fleet.js';
import { GatewayHarness, type Answer } from '../testing/gateway-harness.js';

let gateway: GatewayHarness;
let trunkId: string;
let botId: string;
const TO = '+14155550123';
const dial = (body: object = {}, ask: Parameters<GatewayHarness['post']>[2] = {}): Promise<Answer> =>
  gateway.post('/api/v1/dialout', { bot_id: botId, to_number: TO, ...body }, ask);
const withKey = (key: string): { headers: Record<string, string> } => ({ headers: { 'idempotency-key': key } });
const refuses = (detail: string, extra: object = {}) => (): Promise<ClaimOutcome> => Promise.resolve({ ok: false, code: 'no_capacity', detail, ...extra });

beforeAll(async () => {
  gateway = await GatewayHarness.start();
  trunkId = await gateway.trunk({ username: 'u', password: 'secret' });
  botId = await gateway.bot({ trunk_id: trunkId, ring_timeout_seconds: 20 });
}, 60_000);
afterAll(() => gateway?.close());
beforeEach(() => gateway.fleet.reset());

describe('an accepted dialout', () => {
  it('answers with one id, twice, and gives the worker the whole plan', async () => {
    const answer = await dial({ variables: { name: 'Ada', age: 36, tags: ['a'] } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: 'ok', call_id: expect.any(String), session_id: answer.body.call_id });
    const sessionId = String(answer.body.session_id);
    expect(isUuid(sessionId) && sessionId[14]).toBe('7');
    expect(gateway.fleet.plans).toEqual([expect.objectContaining({
      sessionId, workspaceId: gateway.workspaceId, botId, botVersion: 1, direction: 'outbound', toNumber: TO, fromNumber: '+14155550100', dialUser: TO,
      variables: { name: 'Ada', age: '36', tags: '["a"]' }, ringTimeoutMs: 20_000, maxDurationMs: 600_000, record: true,
      acceptedAt: '2026-01-05T10:00:00.000Z', claimDeadlineMs: gateway.clock.nowMs() + 1000,
      trunk: expect.objectContaining({ trunkId, host: '127.0.0.1', port: 5060, transport: 'udp', codecs: ['PCMU', 'PCMA'], username: 'u', password: 'secret' }),
      bot: expect.objectContaining({ openingMessage: 'Hello {{crm.name}}', llm: { provider: 'script', options: {} } }),
    })]);
  });

  it('is stored before the worker is asked', async () => {
    let stored = 0;
    gateway.fleet.onClaim = async () => {
      stored = await gateway.database.call.count({ where: { id: gateway.fleet.plans[0].sessionId, state: 'accepted' } });
      return { ok: true, workerId: 'w-1', epoch: 'e-1' };
    };
    expect((await dial()).status).toBe(200);
    expect(stored).toBe(1);
  });

  it('works under its other path and under its other field name', async () => {
    const answer = await gateway.post('/api/v1/sip/dialout', { bot_id: botId, to_number: '+1 (415) 555-0123', connected_event: { lead: 7 } });
    expect(answer.status).toBe(200);
    expect(gateway.fleet.plans[0]).toMatchObject({ toNumber: TO, variables: { lead: '7' } });
  });

  it('shows a number of the workspace that was asked for', async () => {
    const other = await gateway.trunk({ numbers: ['+14155550177'] });
    expect((await dial({ from_number: '+1 415 555 0177' })).status).toBe(200);
    expect(gateway.fleet.plans[0].fromNumber).toBe('+14155550177');
    await gateway.ask('DELETE', `/api/v1/trunks/${other}`);
  });

  it('survives variables with dangerous names', async () => {
    const body = `{"bot_id":"${botId}","to_number":"${TO}","variables":{"__proto__":{"admin":true},"constructor":"x","ok":"{{crm.ok}}"}}`;
    expect((await gateway.post('/api/v1/dialout', body)).status).toBe(200);
    expect(gateway.fleet.plans[0].variables).toMatchObject({ ok: '{{crm.ok}}', constructor: 'x' });
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });

  it('echoes the request id', async () => {
    expect((await dial({}, { headers: { 'x-request-id': 'trace-1' } })).headers['x-request-id']).toBe('trace-1');
    expect((await dial({}, { headers: { 'x-request-id': 'bad id\t' } })).headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('the key', () => {
  it.each<[string, (key: string) => string | null]>([
    ['missing', () => null], ['malformed', () => 'hello'], ['with a wrong secret', (key) => `${key.slice(0, -4)}AAAA`],
    ['unknown', () => `df_live_000000000000_${'a'.repeat(43)}`], ['of the other mode', (key) => key.replace('live', 'test')],
  ])('%s: 401 and nothing else is looked at', async (_name, keyOf) => {
    const answer = await gateway.post('/api/v1/dialout', '{bad json', { key: keyOf(gateway.adminKey) });
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_api_key']);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body.request_id).toBe(answer.headers['x-request-id']);
  });

  it('revoked or expired: 401 at once', async () => {
    const created = await gateway.post('/api/v1/api-keys', { name: 'k', scopes: ['calls:write'], expires_at: '2026-01-05T10:00:10Z' });
    const key = String(created.body.key);
    expect((await dial({}, { key })).status).toBe(200);
    gateway.clock.advance(10_000);
    expect((await dial({}, { key })).status).toBe(401);
    const second = await gateway.post('/api/v1/api-keys', { name: 'k', scopes: ['calls:write'] });
    expect((await gateway.ask('DELETE', `/api/v1/api-keys/${String(second.body.key_id)}`)).status).toBe(204);
    expect((await dial({}, { key: String(second.body.key) })).status).toBe(401);
  });

  it('without the scope or the bot: 403', async () => {
    const other = await gateway.bot();
    const reader = await gateway.key({ scopes: ['calls:read'] });
    const bound = await gateway.key({ scopes: ['calls:write'], bot_ids: [other] });
    expect((await dial({}, { key: reader })).body).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await dial({}, { key: bound })).body).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await dial({ bot_id: other }, { key: bound })).status).toBe(200);
  });

  it('notes its last use, at most once a minute', async () => {
    const key = await gateway.key({ scopes: ['calls:write'] });
    const lastUse = async (): Promise<number | undefined> => (await gateway.database.apiKey.findUniqueOrThrow({ where: { id: key.slice(8, 20) } })).lastUsedAt?.getTime();
    await dial({}, { key });
    const first = gateway.clock.nowMs();
    await settle(async () => await lastUse() === first);
    gateway.clock.advance(59_000);
    await dial({}, { key });
    expect(await lastUse()).toBe(first);
    gateway.clock.advance(1000);
    await dial({}, { key });
    await settle(async () => await lastUse() === first + 60_000);
  });
});

/** Waits for something that happens beside the request. */
async function settle(done: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) if (await done()) return;
  throw new Error('it did not happen');
}

describe('the body', () => {
  it.each<[string, unknown, string[]]>([
    ['malformed JSON', '{"bot_id":', ['']], ['no body', undefined, ['']], ['an empty body', '', ['']], ['a list', [], ['']], ['null', 'null', ['']],
    ['wrong types', { bot_id: 1, to_number: [] }, ['bot_id', 'to_number']], ['unknown fields', { bot_id: 'b', to_number: TO, when: 'now' }, ['when']],
    ['both names of variables', { bot_id: 'b', to_number: TO, variables: {}, connected_event: {} }, ['connected_event']],
    ['100 variables', { bot_id: 'b', to_number: TO, variables: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`v${i}`, i])) }, ['variables']],
    ['17 kB of variables', { bot_id: 'b', to_number: TO, variables: { a: 'x'.repeat(17_000) } }, ['variables']],
    ['a number with CR LF', { bot_id: 'b', to_number: '+1415\r\nVia: x' }, ['to_number']],
  ])('%s: 422 with the path', async (_name, body, paths) => {
    const answer = await gateway.post('/api/v1/dialout', body);
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
    expect([...new Set((answer.body.errors as { path: string }[]).map((e) => e.path))]).toEqual(paths);
    expect(gateway.fleet.plans).toEqual([]);
  });

  it('another content type: 415; 300 kB: 413', async () => {
    expect((await gateway.ask('POST', '/api/v1/dialout', { body: 'bot_id=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } })).body)
      .toMatchObject({ status: 415, code: 'unsupported_media_type' });
    expect((await gateway.post('/api/v1/dialout', { bot_id: 'x'.repeat(300_000) })).body).toMatchObject({ status: 413, code: 'body_too_large' });
  });
});

describe('the bot', () => {
  it.each(['bot_nope', '../etc', 'a'.repeat(64), "x' OR 1=1 --"])('unknown (%s): 404', async (bot_id) => {
    expect((await dial({ bot_id })).body).toMatchObject({ status: 404, code: 'bot_not_found' });
  });

  it('of another workspace, or deleted: 404', async () => {
    const neighbour = await gateway.neighbour();
    expect((await dial({}, { key: neighbour.key })).body).toMatchObject({ status: 404, code: 'bot_not_found' });
    const gone = await gateway.bot();
    await gateway.ask('DELETE', `/api/v1/bots/${gone}`);
    expect((await dial({ bot_id: gone })).status).toBe(404);
  });

  it('outside its hours: 503, when it opens again, and no later check', async () => {
    const sleeper = await gateway.bot({ active_hours: { enabled: true, timezone: 'Europe/Berlin', days: ['tue'], start_time: '09:00', end_time: '17:00' } });
    gateway.fleet.views = [];
    const answer = await dial({ bot_id: sleeper, from_number: '+14155550000' });
    expect(answer.body).toMatchObject({ status: 503, code: 'outside_active_hours', next_open_at: '2026-01-06T08:00:00.000Z' });
    expect(Number(answer.headers['retry-after'])).toBe(Math.ceil((Date.UTC(2026, 0, 6, 8) - gateway.clock.nowMs()) / 1000));
  });

  it('is looked at after the body: a number that cannot be one is 422 whatever the bot', async () => {
    const sleeper = await gateway.bot({ active_hours: { enabled: true, timezone: 'UTC', days: ['tue'], start_time: '09:00', end_time: '17:00' } });
    for (const bot_id of ['bot_nope', sleeper, botId]) {
      for (const to_number of ['letters', 'call me', '+1']) {
        expect((await dial({ bot_id, to_number })).body).toMatchObject({ status: 422, code: 'invalid_request', errors: [{ path: 'to_number' }] });
      }
    }
  });
});

describe('destination and trunk', () => {
  it('letters: 422, unless the trunk is for tests', async () => {
    expect((await dial({ to_number: 'echo' })).body).toMatchObject({ status: 422, code: 'invalid_request', errors: [{ path: 'to_number' }] });
    const lab = await gateway.trunk({ allow_sip_user: true });
    const bot = await gateway.bot({ trunk_id: lab });
    expect((await dial({ bot_id: bot, to_number: 'echo' })).status).toBe(200);
    expect(gateway.fleet.plans[0]).toMatchObject({ toNumber: 'echo', dialUser: 'echo' });
  });

  it('a number the trunk may not call: 422 destination_blocked, before capacity', async () => {
    const trunk = await gateway.trunk({ allowed_prefixes: ['+49'], default_country: 'DE', dial_format: '00{digits}' });
    const bot = await gateway.bot({ trunk_id: trunk });
    gateway.fleet.views = [];
    expect((await dial({ bot_id: bot })).body).toMatchObject({ status: 422, code: 'destination_blocked' });
    gateway.fleet.reset();
    expect((await dial({ bot_id: bot, to_number: '030 901820' })).status).toBe(200);
    expect(gateway.fleet.plans[0]).toMatchObject({ toNumber: '+4930901820', dialUser: '004930901820' });
  });

  it("a caller id that is not ours: 422, the neighbour's included", async () => {
    const neighbour = await gateway.neighbour();
    await gateway.post('/api/v1/trunks', { name: 'N', host: 'h', port: 1, transport: 'tcp', default_from_number: '+14155559999' }, { key: neighbour.key });
    for (const from_number of ['+14155550000', '+14155559999', 'x@y', '+1415\n']) {
      expect((await dial({ from_number })).body).toMatchObject({ status: 422, code: 'invalid_request', errors: [{ path: 'from_number' }] });
    }
  });

  it('no trunk, or a deleted one: 422 no_outbound_trunk', async () => {
    const neighbour = await gateway.neighbour();
    const created = await gateway.post('/api/v1/bots', { name: 'b', opening_message: 'o' }, { key: neighbour.key });
    const body = { bot_id: created.body.bot_id, to_number: TO };
    expect((await gateway.post('/api/v1/dialout', body, { key: neighbour.key })).body).toMatchObject({ status: 422, code: 'no_outbound_trunk' });
    const trunk = await gateway.trunk();
    const bot = await gateway.bot({ trunk_id: trunk });
    await gateway.ask('DELETE', `/api/v1/trunks/${trunk}`);
    expect((await dial({ bot_id: bot })).body).toMatchObject({ status: 422, code: 'no_outbound_trunk' });
  });

  it('falls back to the first trunk of the workspace', async () => {
    const bot = await gateway.bot();
    expect((await dial({ bot_id: bot })).status).toBe(200);
    expect(gateway.fleet.plans[0].trunk.trunkId).toBe(trunkId);
  });
});

describe('capacity', () => {
  it('none: 503 at once, with the reason, and nothing is stored or asked', async () => {
    gateway.fleet.views = [workerView({ free: 0, calls: 8 }), workerView({ id: 'w-2', status: 'draining', free: 0 })];
    const before = await gateway.database.call.count();
    const answer = await dial();
    expect(answer.body).toMatchObject({ status: 503, code: 'no_capacity', detail: 'No worker has a free slot: of 2 workers, 1 busy, 1 draining (9 of 16 calls in progress).' });
    expect(answer.headers['retry-after']).toBe('5');
    gateway.fleet.views = [];
    expect((await dial()).body).toMatchObject({ code: 'no_capacity', detail: 'No worker is connected to the fleet.' });
    expect(await gateway.database.call.count()).toBe(before);
    expect(gateway.fleet.plans).toEqual([]);
  });

  it('refused by every worker: 503, and the call never was', async () => {
    gateway.fleet.onClaim = refuses('all full');
    expect((await dial()).body).toMatchObject({ status: 503, code: 'no_capacity', detail: 'all full' });
    const sessionId = gateway.fleet.plans[0].sessionId;
    expect((await gateway.get(`/api/v1/calls/${sessionId}`)).status).toBe(404);
    expect((await gateway.database.call.findUniqueOrThrow({ where: { id: sessionId } })).state).toBe('refused');
  });

  it('of the trunk: 503 once it carries what it may', async () => {
    const trunk = await gateway.trunk({ max_calls: 1 });
    const bot = await gateway.bot({ trunk_id: trunk });
    expect((await dial({ bot_id: bot })).status).toBe(200);
    expect((await dial({ bot_id: bot })).body).toMatchObject({ status: 503, code: 'no_capacity', detail: 'The trunk carries 1 of at most 1 calls.' });
  });

  it('of the trunk holds in a burst too', async () => {
    const trunk = await gateway.trunk({ max_calls: 2 });
    const bot = await gateway.bot({ trunk_id: trunk });
    const answers = await Promise.all(Array.from({ length: 6 }, () => dial({ bot_id: bot })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 503, 503, 503, 503]);
    expect(gateway.fleet.plans).toHaveLength(2);
  });

  it.each<[number, number, number, string]>([[2, 2, 1000, '1'], [0.5, 1, 2000, '2'], [2.5, 2, 800, '1']])(
    'of the trunk: at most %d new calls a second', async (max_cps, atOnce, windowMs, retryAfter) => {
      const trunk = await gateway.trunk({ max_cps });
      const bot = await gateway.bot({ trunk_id: trunk });
      const burst = await Promise.all(Array.from({ length: atOnce + 2 }, () => dial({ bot_id: bot })));
      expect(burst.filter((answer) => answer.status === 200)).toHaveLength(atOnce);
      const refused = burst.filter((answer) => answer.status !== 200);
      expect(refused.map((answer) => [answer.body.code, answer.headers['retry-after']])).toEqual([['no_capacity', retryAfter], ['no_capacity', retryAfter]]);
      gateway.clock.advance(windowMs - 1);
      expect((await dial({ bot_id: bot })).status).toBe(503);
      gateway.clock.advance(1);
      expect((await dial({ bot_id: bot })).status).toBe(200);
    });

  it('broker away: 503 unavailable', async () => {
    gateway.fleet.isConnected = false;
    expect((await dial()).body).toMatchObject({ status: 503, code: 'unavailable' });
  });
});

describe('Idempotency-Key', () => {
  it('dials once for the same key and body, whatever has changed since', async () => {
    const first = await dial({ variables: { a: 1, b: 2 } }, withKey('once'));
    gateway.fleet.views = [];
    const again = await gateway.post('/api/v1/dialout', { variables: { b: 2, a: 1 }, to_number: TO, bot_id: botId }, withKey('once'));
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(gateway.fleet.plans).toHaveLength(1);
  });

  it('with another body: 422', async () => {
    await dial({}, withKey('changed'));
    expect((await dial({ to_number: '+14155550124' }, withKey('changed'))).body).toMatchObject({ status: 422, errors: [{ path: 'Idempotency-Key' }] });
  });

  it('while the first is in hand: 409', async () => {
    let answerWorker: (outcome: ClaimOutcome) => void = () => undefined;
    let asked: () => void = () => undefined;
    const claiming = new Promise<void>((resolve) => { asked = resolve; });
    gateway.fleet.onClaim = () => new Promise((resolve) => { answerWorker = resolve; asked(); });
    const first = dial({}, withKey('slow'));
    await claiming;
    expect((await dial({}, withKey('slow'))).body).toMatchObject({ status: 409, code: 'idempotency_in_flight' });
    answerWorker({ ok: true, workerId: 'w-1', epoch: 'e-1' });
    expect((await dial({}, withKey('slow')).then(async (answer) => (answer.status === 409 ? dial({}, withKey('slow')) : answer))).body).toEqual((await first).body);
    expect(gateway.fleet.plans).toHaveLength(1);
  });

  it('a refused call frees it, an ambiguous one does not', async () => {
    gateway.fleet.onClaim = refuses('full');
    expect((await dial({}, withKey('refused'))).status).toBe(503);
    gateway.fleet.reset();
    expect((await dial({}, withKey('refused'))).status).toBe(200);

    gateway.fleet.onClaim = () => Promise.resolve({ ok: false, code: 'unavailable', detail: 'no answer', ambiguous: true });
    const ambiguous = await dial({}, withKey('ambiguous'));
    expect(ambiguous.body).toMatchObject({ status: 503, code: 'unavailable', session_id: gateway.fleet.plans.at(-1)!.sessionId });
    gateway.fleet.reset();
    expect((await dial({}, withKey('ambiguous'))).status).toBe(409);
    gateway.clock.advance(11_000);
    expect((await dial({}, withKey('ambiguous'))).body).toMatchObject({ status: 'ok', session_id: ambiguous.body.session_id });
    expect(gateway.fleet.plans).toEqual([]);
  });

  it('is cleared away after its day', async () => {
    await dial({}, withKey('yesterday'));
    const left = (): Promise<number> => gateway.database.idempotencyKey.count({ where: { key: 'yesterday' } });
    gateway.clock.advance(23 * 3600 * 1000);
    expect(await left()).toBe(1);
    gateway.clock.advance(2 * 3600 * 1000);
    await settle(async () => await left() === 0);
  });

  it('must be printable', async () => {
    expect((await dial({}, withKey('a b'))).body).toMatchObject({ status: 422, errors: [{ path: 'Idempotency-Key' }] });
  });
});

const binaries = findPostgresBinaries();
(binaries === null ? describe.skip : describe)('twenty identical requests at once, on PostgreSQL', () => {
  it('dial once; the others are told to wait or get the same answer', async () => {
    const busy = await GatewayHarness.start(await startTemporaryPostgres(binaries!));
    await busy.trunk();
    const body = { bot_id: await busy.bot(), to_number: TO };
    const answers = await Promise.all(Array.from({ length: 20 }, () => busy.post('/api/v1/dialout', body, withKey('storm'))));
    expect(busy.fleet.plans).toHaveLength(1);
    const { sessionId } = busy.fleet.plans[0];
    for (const answer of answers) {
      if (answer.status === 200) expect(answer.body.session_id).toBe(sessionId);
      else expect(answer.body).toMatchObject({ status: 409, code: 'idempotency_in_flight' });
    }
    expect(answers.some((answer) => answer.status === 200)).toBe(true);
    await busy.close();
  }, 60_000);
});

describe('the database goes away', () => {
  it('every request: 503 unavailable, soon; live stays 200, ready says 503', async () => {
    const doomed = await GatewayHarness.start();
    await doomed.trunk();
    const body = { bot_id: await doomed.bot(), to_number: TO };
    expect((await doomed.post('/api/v1/dialout', body)).status).toBe(200);
    await doomed.server.close();
    const answer = await doomed.post('/api/v1/dialout', body);
    expect(answer.body).toMatchObject({ status: 503, code: 'unavailable' });
    expect(answer.text).not.toMatch(/127\.0\.0\.1|prisma|stack/i);
    expect((await doomed.get('/health/live')).status).toBe(200);
    expect((await doomed.get('/health/ready')).status).toBe(503);
    await doomed.app.close();
    await doomed.database.$disconnect();
  }, 60_000);
});
