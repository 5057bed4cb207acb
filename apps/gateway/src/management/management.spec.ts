import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SecretBox } from '@dialfleet/database';
import { workerView } from '../testing/fake-fleet.js';
import { GatewayHarness } from '../testing/gateway-harness.js';

let gateway: GatewayHarness;
beforeAll(async () => { gateway = await GatewayHarness.start(); }, 60_000);
afterAll(() => gateway?.close());
beforeEach(() => gateway.fleet.reset());

const TRUNK = { name: 'Carrier', host: 'sip.example.com', port: 5060, transport: 'udp', default_from_number: '(415) 555-0100', default_country: 'US' };
const errorPaths = (answer: { body: Record<string, unknown> }): string[] => ((answer.body.errors ?? []) as { path: string }[]).map((e) => e.path);

describe('trunks', () => {
  it('are made, read, changed and put away; passwords never come back', async () => {
    const created = await gateway.post('/api/v1/trunks', { ...TRUNK, username: 'u', password: 'hunter2', numbers: ['415-555-0101'] });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ default_from_number: '+14155550100', numbers: ['+14155550101'], has_password: true, dial_format: '{e164}', codecs: ['PCMU', 'PCMA'] });
    const url = `/api/v1/trunks/${String(created.body.trunk_id)}`;
    const stored = await gateway.database.trunk.findUniqueOrThrow({ where: { id: String(created.body.trunk_id) } });
    expect(stored.password).not.toContain('hunter2');
    expect(new SecretBox(gateway.secretKey).open(stored.password!)).toBe('hunter2');

    const changed = await gateway.ask('PATCH', url, { body: { host: '10.0.0.1', max_calls: 5 } });
    expect(changed.body).toMatchObject({ host: '10.0.0.1', max_calls: 5, has_password: true, username: 'u' });
    expect((await gateway.ask('PATCH', url, { body: { password: null, max_calls: null } })).body).toMatchObject({ has_password: false, max_calls: null });
    expect([created, changed, await gateway.get(url)].map((answer) => answer.text).join()).not.toContain('hunter2');
    expect((await gateway.ask('DELETE', url, { headers: { 'content-type': 'application/json' } })).status).toBe(204);
    expect((await gateway.get(url)).body).toMatchObject({ status: 404, code: 'trunk_not_found' });
    expect((await gateway.database.trunk.findUniqueOrThrow({ where: { id: stored.id } })).deletedAt).not.toBeNull();
  });

  it('say what is wrong where', async () => {
    expect(errorPaths(await gateway.post('/api/v1/trunks', { ...TRUNK, default_from_number: 'x', numbers: ['+14155550101', '+1'] }))).toEqual(['default_from_number', 'numbers.1']);
    expect((await gateway.post('/api/v1/trunks', { ...TRUNK, transport: 'sctp' })).body).toMatchObject({ status: 422, errors: [{ path: 'transport', message: 'must be one of udp, tcp, tls, ws, wss' }] });
    const id = await gateway.trunk();
    expect(errorPaths(await gateway.ask('PATCH', `/api/v1/trunks/${id}`, { body: { port: 0, nonsense: 1 } })).sort()).toEqual(['nonsense', 'port']);
    expect((await gateway.ask('PATCH', `/api/v1/trunks/${id}`, { body: [] })).status).toBe(422);
  });

  it('come in pages', async () => {
    const { key } = await gateway.neighbour();
    const ids: unknown[] = [];
    for (let i = 0; i < 3; i++) ids.push((await gateway.post('/api/v1/trunks', { ...TRUNK, name: `T${i}` }, { key })).body.trunk_id);
    const first = await gateway.get('/api/v1/trunks?limit=2', { key });
    const second = await gateway.get(`/api/v1/trunks?limit=2&cursor=${String(first.body.next_cursor)}`, { key });
    expect([...first.body.data as { trunk_id: string }[], ...second.body.data as { trunk_id: string }[]].map((t) => t.trunk_id)).toEqual([...ids].reverse());
    expect(second.body.next_cursor).toBeNull();
  });
});

describe('bots', () => {
  const script = { steps: [{ name: 'ask', say: 'Well?', expect: [{ slot: 'answer', type: 'text', next: 'end' }] }] };

  it('get a new version with every change, and keep the old ones', async () => {
    const id = await gateway.bot({ script, silence: { prompt_after_ms: 5000 } });
    const url = `/api/v1/bots/${id}`;
    expect((await gateway.get(url)).body).toMatchObject({ bot_id: id, version: 1, name: 'Reminder', script, silence: { prompt_after_ms: 5000 } });
    const changed = await gateway.ask('PATCH', url, { body: { opening_message: 'Hi', silence: null } });
    expect(changed.body).toMatchObject({ version: 2, name: 'Reminder', opening_message: 'Hi' });
    expect(changed.body).not.toHaveProperty('silence');
    const versions = (await gateway.get(`${url}/versions`)).body.data as { version: number; config: { opening_message: string } }[];
    expect(versions.map((v) => [v.version, v.config.opening_message])).toEqual([[2, 'Hi'], [1, 'Hello {{crm.name}}']]);
    await gateway.trunk();
    await gateway.post('/api/v1/dialout', { bot_id: id, to_number: '+14155550123' });
    expect(gateway.fleet.plans[0]).toMatchObject({ botVersion: 2, bot: { openingMessage: 'Hi', script } });
    expect((await gateway.ask('DELETE', url)).status).toBe(204);
    expect((await gateway.get(url)).status).toBe(404);
  });

  it('need something to say, a sound script and a trunk of their own workspace', async () => {
    expect(errorPaths(await gateway.post('/api/v1/bots', { name: 'x' }))).toEqual(['opening_message']);
    expect((await gateway.post('/api/v1/bots', { name: 'x', system_prompt: 'p' })).status).toBe(201);
    expect(errorPaths(await gateway.post('/api/v1/bots', { name: 'x', opening_message: 'o', script: { steps: [{ name: 'a', say: 's', next: 'nowhere' }] } }))[0]).toBe('script.steps.0.next');
    const { key } = await gateway.neighbour();
    const trunk_id = (await gateway.post('/api/v1/trunks', TRUNK, { key })).body.trunk_id;
    expect(errorPaths(await gateway.post('/api/v1/bots', { name: 'x', opening_message: 'o', trunk_id, voicemail: { action: 'leave_message' } }))).toEqual(['voicemail.message', 'trunk_id']);
  });

  it.each<[string, object, string[]]>([
    ['a brain that is not there', { llm: { provider: 'nobody' } }, ['llm.provider']],
    ['a voice that is not there', { tts: { provider: 'flite', options: { voice: 'nobody' } } }, ['tts.options.voice']],
    ['an option that is none', { stt: { provider: 'local', options: { modell: 'tiny' } } }, ['stt.options.modell']],
    ['a language that its providers do not have', { language: 'de-DE' }, ['language']],
  ])('are refused with %s', async (_name, change, paths) => {
    expect(errorPaths(await gateway.post('/api/v1/bots', { name: 'x', opening_message: 'o', ...change }))).toEqual(paths);
    const id = await gateway.bot();
    expect((await gateway.ask('PATCH', `/api/v1/bots/${id}`, { body: change })).status).toBe(422);
  });

  it('keep their secrets to themselves and the worker', async () => {
    const prefetch = { url: 'https://crm.example/x', headers: { Authorization: 'Bearer hunter2' } };
    await gateway.trunk();
    const id = await gateway.bot({ prefetch });
    const read = await gateway.get(`/api/v1/bots/${id}`);
    expect(read.body).toMatchObject({ prefetch: { headers: { Authorization: '********' } } });
    const settings = Object.fromEntries(Object.entries(read.body).filter(([name]) => !['bot_id', 'version', 'created_at', 'updated_at'].includes(name)));
    expect((await gateway.ask('PATCH', `/api/v1/bots/${id}`, { body: { ...settings, name: 'Renamed' } })).status).toBe(200);
    const stored = JSON.stringify(await gateway.database.botVersion.findMany({ where: { botId: id } }));
    expect(stored).not.toContain('hunter2');
    await gateway.post('/api/v1/dialout', { bot_id: id, to_number: '+14155550123' });
    expect(gateway.fleet.plans[0].bot).toMatchObject({ name: 'Renamed', prefetch: { headers: { Authorization: 'Bearer hunter2' } } });
  });

  it('changed twice at once: one wins, the other is told', async () => {
    const id = await gateway.bot();
    const answers = await Promise.all(['A', 'B', 'C'].map((name) => gateway.ask('PATCH', `/api/v1/bots/${id}`, { body: { name } })));
    const wins = answers.filter((answer) => answer.status === 200).length;
    expect(answers.every((answer) => answer.status === 200 || answer.body.code === 'conflict')).toBe(true);
    expect((await gateway.get(`/api/v1/bots/${id}`)).body.version).toBe(1 + wins);
  });
});

describe('endpoints', () => {
  const push = { kind: 'crm_push', url: 'https://crm.example/calls', mapper: { lead_id: '{{crm.customer_id}}' } };

  it('show their signing secret once, and their headers never', async () => {
    const bot = await gateway.bot();
    const created = await gateway.post(`/api/v1/bots/${bot}/endpoints`, { ...push, headers: { 'X-Tenant': 'hunter2' }, auth: { scheme: 'bearer', token: 'hunter3' }, rate_limit: { per_second: 2 } });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ bot_id: bot, header_names: ['X-Tenant'], auth_scheme: 'bearer', rate_limit: { per_second: 2 }, enabled: true });
    const secret = String(created.body.secret);
    expect(Buffer.from(secret.replace('whsec_', ''), 'base64')).toHaveLength(32);
    const url = `/api/v1/endpoints/${String(created.body.endpoint_id)}`;
    const changed = await gateway.ask('PATCH', url, { body: { enabled: false, url: 'https://crm.example/v2' } });
    expect(changed.body).toMatchObject({ enabled: false, disabled_reason: 'admin', url: 'https://crm.example/v2', header_names: ['X-Tenant'], auth_scheme: 'bearer' });
    const list = await gateway.get(`/api/v1/bots/${bot}/endpoints`);
    expect([created.text.replace(secret, ''), changed.text, list.text, (await gateway.get(url)).text].join()).not.toMatch(/hunter|whsec_/);
    const stored = await gateway.database.endpoint.findUniqueOrThrow({ where: { id: String(created.body.endpoint_id) } });
    const box = new SecretBox(gateway.secretKey);
    expect([box.open(stored.secret), box.openJson(stored.headers!), box.openJson(stored.auth!)]).toEqual([secret, { 'X-Tenant': 'hunter2' }, { token: 'hunter3' }]);
    expect((await gateway.ask('DELETE', url)).status).toBe(204);
    expect((await gateway.get(url)).body.code).toBe('endpoint_not_found');
  });

  it('check mapper, scheme and kind', async () => {
    const bot = await gateway.bot();
    const tried = async (change: object): Promise<string[]> => errorPaths(await gateway.post(`/api/v1/bots/${bot}/endpoints`, { ...push, ...change }));
    expect(await tried({ mapper: null })).toEqual(['mapper']);
    expect(await tried({ kind: 'webhook' })).toEqual(['mapper']);
    expect(await tried({ url: 'http://crm.example/x' })).toEqual(['url']);
    expect((await tried({ mapper: { a: '{{crm.id' } }))[0]).toBe('mapper.a');
    expect((await gateway.post('/api/v1/bots/bot_nope/endpoints', push)).body.code).toBe('bot_not_found');
  });
});

describe('numbers', () => {
  it('bind an inbound number to a bot, once for each trunk', async () => {
    const body = { number: '+1 415 555 0188', trunk_id: await gateway.trunk(), bot_id: await gateway.bot() };
    const created = await gateway.post('/api/v1/numbers', body);
    expect([created.status, created.body.number]).toEqual([201, '+14155550188']);
    expect((await gateway.post('/api/v1/numbers', body)).body).toMatchObject({ status: 409, code: 'conflict' });
    expect(errorPaths(await gateway.post('/api/v1/numbers', { ...body, trunk_id: 'trunk_nope' }))).toEqual(['trunk_id']);
    expect((await gateway.ask('DELETE', `/api/v1/numbers/${String(created.body.number_id)}`)).status).toBe(204);
    expect((await gateway.ask('DELETE', `/api/v1/numbers/${String(created.body.number_id)}`)).status).toBe(404);
  });
});

describe('API keys', () => {
  it('are shown once and listed without their secret', async () => {
    const created = await gateway.post('/api/v1/api-keys', { name: 'CI', scopes: ['calls:read'], mode: 'test' });
    const key = String(created.body.key);
    expect(key).toMatch(/^df_test_[0-9a-z]{12}_[A-Za-z0-9_-]{43}$/);
    const list = await gateway.get('/api/v1/api-keys');
    expect(list.text).not.toContain(key.slice(21));
    expect(list.body.data).toContainEqual(expect.objectContaining({ key_id: key.slice(8, 20), name: 'CI', last_four: key.slice(-4), revoked_at: null }));
    expect((await gateway.get('/api/v1/calls', { key })).status).toBe(200);
    for (let i = 0; i < 2; i++) expect((await gateway.ask('DELETE', `/api/v1/api-keys/${String(created.body.key_id)}`)).status).toBe(204);
    expect((await gateway.get('/api/v1/calls', { key })).status).toBe(401);
  });

  it('need a future and bots that exist', async () => {
    expect(errorPaths(await gateway.post('/api/v1/api-keys', { name: 'x', scopes: ['calls:read'], expires_at: '2020-01-01T00:00:00Z' }))).toEqual(['expires_at']);
    expect(errorPaths(await gateway.post('/api/v1/api-keys', { name: 'x', scopes: ['calls:read'], bot_ids: ['bot_nope'] }))).toEqual(['bot_ids.0']);
    expect(errorPaths(await gateway.post('/api/v1/api-keys', { name: 'x', scopes: ['admin'], bot_ids: [await gateway.bot()] }))).toEqual(['bot_ids']);
  });
});

describe('everything of one workspace', () => {
  it('does not exist for another', async () => {
    const { key } = await gateway.neighbour();
    const bot = await gateway.bot();
    const trunk = await gateway.trunk();
    const endpoint = String((await gateway.post(`/api/v1/bots/${bot}/endpoints`, { kind: 'webhook', url: 'https://a.example' })).body.endpoint_id);
    const number = String((await gateway.post('/api/v1/numbers', { number: '+14155550190', trunk_id: trunk, bot_id: bot })).body.number_id);
    const apiKey = String((await gateway.post('/api/v1/api-keys', { name: 'k', scopes: ['calls:read'] })).body.key_id);
    const asked = [
      ...[`bots/${bot}`, `bots/${bot}/versions`, `bots/${bot}/endpoints`, `trunks/${trunk}`, `endpoints/${endpoint}`].map((path) => ['GET', path] as const),
      ...[`bots/${bot}`, `trunks/${trunk}`, `endpoints/${endpoint}`].map((path) => ['PATCH', path] as const),
      ...[`bots/${bot}`, `trunks/${trunk}`, `endpoints/${endpoint}`, `numbers/${number}`, `api-keys/${apiKey}`].map((path) => ['DELETE', path] as const),
    ];
    for (const [method, path] of asked) {
      const answer = await gateway.ask(method, `/api/v1/${path}`, { key, ...(method === 'PATCH' ? { body: { name: 'Mine', enabled: false } } : {}) });
      expect([method, path, answer.status]).toEqual([method, path, 404]);
    }
    for (const path of ['bots', 'trunks', 'numbers']) expect((await gateway.get(`/api/v1/${path}`, { key })).body.data).toEqual([]);
    expect((await gateway.get('/api/v1/audit-log', { key })).body.data).toEqual([]);
  });

  it('is for admins', async () => {
    const key = await gateway.key({ scopes: ['calls:write', 'calls:read', 'fleet:read'] });
    for (const path of ['bots', 'trunks', 'numbers', 'api-keys', 'audit-log']) expect((await gateway.get(`/api/v1/${path}`, { key })).status).toBe(403);
  });

  it('stands in the audit log when it changes, without its secrets', async () => {
    const id = String((await gateway.post('/api/v1/trunks', { ...TRUNK, password: 'hunter2' }, { headers: { 'x-request-id': 'r-1' } })).body.trunk_id);
    await gateway.ask('PATCH', `/api/v1/trunks/${id}`, { body: { password: 'hunter3' } });
    await gateway.ask('DELETE', `/api/v1/trunks/${id}`);
    const log = await gateway.get('/api/v1/audit-log?limit=3');
    expect(log.body.data).toMatchObject([
      { action: 'trunk.deleted', target_id: id }, { action: 'trunk.changed', detail: { fields: ['password'] } },
      { action: 'trunk.created', target_type: 'trunk', actor_type: 'api_key', actor_id: gateway.adminKey.slice(8, 20), request_id: 'r-1' },
    ]);
    expect(log.text).not.toContain('hunter');
  });
});

describe('the fleet', () => {
  it('is shown exactly as the contract has it', async () => {
    gateway.fleet.views = [workerView(), workerView({ id: 'w-2', status: 'draining', calls: 2, free: 0 }), workerView({ id: 'w-3', status: 'unreachable', calls: 4, free: 0 })];
    const expected = {
      status: 'ok', fleet_calls: 3, fleet_max: 16, fleet_available: 7,
      workers: [
        { id: 'w-1', status: 'ready', calls: 1, max: 8, version: '1.0.0', uptime_seconds: 812, heartbeat_age_ms: 212 },
        expect.objectContaining({ id: 'w-2', status: 'draining', calls: 2 }), expect.objectContaining({ id: 'w-3', status: 'unreachable' }),
      ],
    };
    const key = await gateway.key({ scopes: ['fleet:read'] });
    expect((await gateway.get('/health/fleet', { key })).body).toEqual(expected);
    expect((await gateway.get('/api/v1/fleet', { key })).body).toEqual(expected);
    expect((await gateway.get('/health/fleet', { key: null })).status).toBe(401);
    expect((await gateway.get('/health/fleet', { key: await gateway.key({ scopes: ['calls:write'] }) })).status).toBe(403);
  });

  it('drains a worker by name', async () => {
    expect((await gateway.post('/api/v1/fleet/workers/w-1/drain')).body).toEqual({ status: 'ok' });
    expect(gateway.fleet.commands).toEqual([['w-1', { command: 'drain' }]]);
    expect((await gateway.post('/api/v1/fleet/workers/a.*/drain')).body.code).toBe('worker_not_found');
    gateway.fleet.commandAnswer = { ok: false, reason: 'unreachable' };
    expect((await gateway.post('/api/v1/fleet/workers/w-1/drain')).body.code).toBe('unavailable');
  });
});

describe('the doors without a key', () => {
  it('live and ready say no more than that', async () => {
    expect((await gateway.get('/health/live', { key: null })).body).toEqual({ status: 'ok' });
    expect((await gateway.get('/health/ready', { key: null })).body).toEqual({ status: 'ok' });
    gateway.fleet.isConnected = false;
    const answer = await gateway.get('/health/ready', { key: null });
    expect([answer.status, answer.body]).toEqual([503, { status: 'unavailable' }]);
  });

  it('metrics count answers by route and dialouts by outcome', async () => {
    await gateway.post('/api/v1/dialout', { bot_id: 'bot_nope', to_number: '+14155550123' });
    const { text } = await gateway.get('/metrics', { key: null });
    expect(text).toMatch(/dialfleet_dialouts_total\{outcome="bot_not_found"\} [1-9]/);
    expect(text).toMatch(/dialfleet_http_request_duration_seconds_count\{method="POST",route="\/api\/v1\/dialout",status="404"\} [1-9]/);
    expect(text).toContain('dialfleet_fleet_slots{state="available"} 7');
    expect(text).not.toMatch(/\+1415|df_live/);
  });

  it('unknown paths are problems too', async () => {
    for (const path of ['/', '/api/v1/nope', '/api', '/%zz', '/health', `/${'x'.repeat(3000)}`]) {
      const answer = await gateway.get(path, { key: null });
      expect([answer.status, answer.body.code, answer.headers['content-type']]).toEqual([404, 'not_found', expect.stringContaining('application/problem+json')]);
    }
  });

  it('the API document names every route, its key and its shapes', async () => {
    const { body } = await gateway.get('/docs/openapi.json', { key: null });
    const paths = body.paths as Record<string, Record<string, { security?: unknown; summary: string; operationId: string; responses: Record<string, { content?: object }>; parameters?: { name: string; required: boolean }[] }>>;
    for (const path of ['/api/v1/dialout', '/api/v1/sip/dialout', '/api/v1/calls/{id}/events', '/api/v1/bots', '/api/v1/trunks/{id}', '/api/v1/bots/{id}/endpoints', '/health/fleet']) {
      expect(Object.keys(paths)).toContain(path);
    }
    for (const [path, methods] of Object.entries(paths)) {
      for (const operation of Object.values(methods)) {
        if (path.startsWith('/api/')) expect([path, operation.security]).toEqual([path, [{ api_key: [] }]]);
        expect([path, operation.summary, operation.operationId]).toEqual([path, expect.stringMatching(/^[A-Z]/), expect.stringMatching(/^[A-Za-z]+_[A-Za-z]+$/)]);
        expect(Object.keys(operation.responses)).toContainEqual(expect.stringMatching(/^20/));
        for (const [status, { content = {} }] of Object.entries(operation.responses)) if (Number(status) >= 400) expect([path, status, Object.keys(content)]).toEqual([path, status, ['application/problem+json']]);
      }
    }
    expect(paths['/api/v1/dialout'].post.parameters).toEqual([expect.objectContaining({ name: 'idempotency-key', required: false })]);
    const { schemas } = body.components as { schemas: Record<string, { required?: string[] }> };
    expect(schemas.DialoutRequest.required).toEqual(['bot_id', 'to_number']);
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['Problem', 'FleetHealth', 'BotRequest', 'TrunkRequest', 'EndpointRequest', 'CallPage']));
    expect((await gateway.get('/docs', { key: null })).text).toContain('<title>Dialfleet API</title>');
  });
});
