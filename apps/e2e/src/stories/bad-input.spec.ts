import { createApiKey, createDatabase, newId, type Database } from '@dialfleet/database';
import type { ApiAnswer } from '@dialfleet/launcher';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { customers, TestFleet } from '../harness/test-fleet.js';

interface Refusal { status: number; code: string; paths?: string[] }
const notValid = (...paths: string[]): Refusal => ({ status: 422, code: 'invalid_request', paths });

/** RFC 9457 as the API promises it: nothing missing, nothing of our insides. */
function expectProblem({ status, headers, text }: ApiAnswer, wanted: Refusal): void {
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const body = JSON.parse(text) as { errors?: { path: string; message: string }[]; request_id: string };
  expect({ status, ...body }).toMatchObject({ status: wanted.status, code: wanted.code, type: `urn:dialfleet:problem:${wanted.code}`, title: expect.any(String), detail: expect.any(String) });
  expect(body.request_id).toBe(headers.get('x-request-id'));
  expect(body.errors?.map(({ path }) => path)).toEqual(wanted.paths);
  for (const { message } of body.errors ?? []) expect(message).toMatch(/\w/);
  expect(text).not.toMatch(/\.[jt]s:\d+|node_modules|prisma|postgres|nats/i);
}

describe('a client that gets everything wrong', () => {
  let fleet: TestFleet;
  let botId: string;
  let foreignBotId: string;
  let database: Database;
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> => fleet.api.ask(method, path, body, headers);
  const dial = (body: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> => ask('POST', '/api/v1/dialout', body, headers);
  const good = (): Record<string, unknown> => ({ bot_id: botId, to_number: customers.busy });

  beforeAll(async () => {
    fleet = await TestFleet.start();
    botId = await fleet.bot();
    database = createDatabase({ connectionString: fleet.fleet.runFile.database_url, poolSize: 1 });
    foreignBotId = await neighboursBot();
  });
  afterAll(async () => {
    await database?.$disconnect();
    await fleet?.stop();
  });

  /** A bot in a workspace of its own, made with that workspace's own key. */
  async function neighboursBot(): Promise<string> {
    const workspaceId = newId('workspace');
    const { id, mode, key, secretHash, lastFour } = createApiKey();
    await database.workspace.create({ data: { id: workspaceId, name: 'Next door' } });
    await database.apiKey.create({ data: { id, workspaceId, name: 'key', mode, secretHash, lastFour, scopes: ['admin'] } });
    const { status, text } = await ask('POST', '/api/v1/bots', { name: 'Theirs', opening_message: 'Hello.' }, { 'x-api-key': key });
    expect(status).toBe(201);
    return (JSON.parse(text) as { bot_id: string }).bot_id;
  }

  describe('in the body of a dialout', () => {
    it.each<[string, () => unknown, Refusal]>([
      ['half a JSON document', () => '{"bot_id":', notValid('')],
      ['no body', () => '', notValid('')],
      ['something that is not an object', () => '["bot"]', notValid('')],
      ['a hundred thousand brackets', () => '['.repeat(100_000), notValid('')],
      ['wrong types', () => ({ bot_id: 5, to_number: true, variables: 'x' }), notValid('bot_id', 'to_number', 'variables')],
      ['fields that nobody knows', () => ({ ...good(), phone: '1', extra: { a: 1 } }), notValid('phone', 'extra')],
      ['a field that every object has', () => ({ ...good(), toString: 'x' }), notValid('toString')],
      ['ten megabytes', () => ({ ...good(), variables: { x: 'a'.repeat(10_000_000) } }), { status: 413, code: 'body_too_large' }],
      ['a number with a header in it', () => ({ ...good(), to_number: '+14155550102\r\nX-Injected: 1' }), notValid('to_number')],
      ['a number with a line break behind it', () => ({ ...good(), to_number: '+14155550102\r\n' }), notValid('to_number')],
      ['a number with letters', () => ({ ...good(), to_number: '+1415CALLNOW' }), notValid('to_number')],
      ['a SIP address for a number', () => ({ ...good(), to_number: 'sip:eve@evil.example;transport=tcp' }), notValid('to_number')],
      ['a caller id with a line break', () => ({ ...good(), from_number: '+1415\r\n5550100' }), notValid('from_number')],
      ['somebody else\'s caller id', () => ({ ...good(), from_number: '+14155559999' }), notValid('from_number')],
      ['a hundred variables', () => ({ ...good(), variables: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`v${i}`, i])) }), notValid('variables')],
      ['17 kB of variables', () => ({ ...good(), variables: { x: 'a'.repeat(17_000) } }), notValid('variables')],
      ['text that no database stores', () => ({ ...good(), variables: { x: 'a\0b' } }), notValid('variables.x')],
      ['variables under both names', () => ({ ...good(), variables: { a: 1 }, connected_event: { b: 2 } }), notValid('connected_event')],
      ['an unknown bot', () => ({ ...good(), bot_id: 'bot_0123456789abcdef' }), { status: 404, code: 'bot_not_found' }],
      ['SQL for a bot', () => ({ ...good(), bot_id: 'x\'; DROP TABLE bots; --' }), { status: 404, code: 'bot_not_found' }],
      ['another workspace\'s bot', () => ({ ...good(), bot_id: foreignBotId }), { status: 404, code: 'bot_not_found' }],
    ])('%s', async (_what, body, wanted) => { expectProblem(await dial(body()), wanted); });

    it('a body that is not JSON at all', async () => {
      for (const type of ['text/plain', 'text/xml', 'application/x-www-form-urlencoded']) expectProblem(await dial('a=b', { 'content-type': type }), { status: 415, code: 'unsupported_media_type' });
    });

    it('an idempotency key used for another request, or that is none', async () => {
      const key = { 'idempotency-key': 'lead-1' };
      const { status, text } = await dial(good(), key);
      expect(status).toBe(200);
      expectProblem(await dial({ ...good(), to_number: customers.rejects }, key), notValid('Idempotency-Key'));
      expectProblem(await dial(good(), { 'idempotency-key': 'two words' }), notValid('Idempotency-Key'));
      await fleet.result((JSON.parse(text) as { session_id: string }).session_id);
    });
  });

  describe('about its key', () => {
    const newKey = (settings: Record<string, unknown>): Promise<{ key: string; key_id: string }> => fleet.api.post('/api/v1/api-keys', { name: 'key', ...settings });

    it('none, a made-up one, or half of one', async () => {
      for (const key of ['', 'secret', 'df_live_abcdefghijkl_', fleet.fleet.runFile.admin_api_key?.slice(0, -1) ?? '']) {
        expectProblem(await dial(good(), { 'x-api-key': key }), { status: 401, code: 'invalid_api_key' });
      }
    });

    it('is told so before a large body is read', async () => {
      expectProblem(await dial({ x: 'a'.repeat(10_000_000) }, { 'x-api-key': 'secret' }), { status: 401, code: 'invalid_api_key' });
    });

    it('one that was revoked a moment ago', async () => {
      const { key, key_id: keyId } = await newKey({ scopes: ['fleet:read'] });
      expect((await ask('GET', '/health/fleet', undefined, { 'x-api-key': key })).status).toBe(200);
      expect((await ask('DELETE', `/api/v1/api-keys/${keyId}`)).status).toBeLessThan(300);
      expectProblem(await ask('GET', '/health/fleet', undefined, { 'x-api-key': key }), { status: 401, code: 'invalid_api_key' });
    });

    it('one that may not dial, not manage, or not use this bot', async () => {
      const otherBot = await fleet.bot({ name: 'Another' });
      const [reader, dialler, bound] = await Promise.all([newKey({ scopes: ['calls:read'] }), newKey({ scopes: ['calls:write'] }), newKey({ scopes: ['calls:write'], bot_ids: [otherBot] })]);
      const forbidden = { status: 403, code: 'forbidden' };
      expectProblem(await dial(good(), { 'x-api-key': reader.key }), forbidden);
      expectProblem(await ask('POST', '/api/v1/bots', { name: 'b', opening_message: 'x' }, { 'x-api-key': dialler.key }), forbidden);
      expectProblem(await dial(good(), { 'x-api-key': bound.key }), forbidden);
    });
  });

  describe('in what it sets up', () => {
    const trunk = { name: 'Trunk', host: 'sip.carrier.example', port: 5060, transport: 'udp', default_from_number: '+14155550100' };

    it.each<[string, object, Refusal]>([
      ['a trunk host with a header in it', { host: 'sip.example\r\nX-Injected: 1' }, notValid('host')],
      ['a trunk host that is a URI', { host: 'sip:carrier.example' }, notValid('host')],
      ['a trunk host that only looks like an address', { host: '999.1.1.1' }, notValid('host')],
      ['line breaks in a trunk\'s credentials, domain and number', { username: 'a\r\nb', password: 'c\nd', from_domain: 'x\r\ny', dial_format: '{e164}\r\n' }, notValid('username', 'password', 'from_domain', 'dial_format')],
      ['a caller id with a line break', { default_from_number: '+1415\r\n5550100' }, notValid('default_from_number')],
      ['a port and transport that are none', { port: 0, transport: 'pigeon' }, notValid('port', 'transport')],
    ])('%s', async (_what, change, wanted) => { expectProblem(await ask('POST', '/api/v1/trunks', { ...trunk, ...change }), wanted); });

    it.each<[string, unknown, Refusal]>([
      ['a script that is no object', [], notValid('script')],
      ['a script without steps', {}, notValid('script.steps')],
      ['a script that goes nowhere', { steps: [{ name: 'a', say: 'Hello.', next: 'nowhere' }] }, notValid('script.steps.0.next')],
      ['a script that never stops talking', { steps: [{ name: 'a', say: 'Hello.', next: 'a' }] }, notValid('script.steps.0.next')],
    ])('%s', async (_what, script, wanted) => { expectProblem(await ask('POST', '/api/v1/bots', { name: 'b', opening_message: 'Hello.', script }), wanted); });

    it('bot settings that cannot be meant', async () => {
      expectProblem(await ask('POST', '/api/v1/bots', { name: 'b' }), notValid('opening_message'));
      expectProblem(await ask('POST', '/api/v1/bots', { name: 'b', opening_message: 'x', active_hours: { enabled: true, timezone: 'Mars/Olympus', days: ['someday'], start_time: '25:00', end_time: '18:00' } }),
        notValid('active_hours.timezone', 'active_hours.days', 'active_hours.start_time'));
      expectProblem(await ask('POST', '/api/v1/bots', { name: 'b', opening_message: 'x', prefetch: { url: 'https://{{crm.host}}/', headers: { 'X-A': 'a\r\nX-B: b' } } }), notValid('prefetch.url', 'prefetch.headers'));
    });

    it.each<[string, object, Refusal]>([
      ['a mapper that is text', { mapper: 'x' }, notValid('mapper')],
      ['a mapper of nothing', { mapper: {} }, notValid('mapper')],
      ['a template that is not closed', { mapper: { id: '{{crm.id' } }, notValid('mapper.id')],
      ['a template that names nothing', { mapper: { id: '{{crm.}}' } }, notValid('mapper.id')],
      ['two values for one field', { mapper: { a: 1, 'a.b': 2 } }, notValid('mapper.a.b')],
      ['a field called constructor', { mapper: { 'constructor.prototype.x': 1 } }, notValid('mapper.constructor.prototype.x')],
      ['a header that ends the headers', { mapper: { a: 1 }, headers: { 'X-A': 'a\r\n\r\nGET / HTTP/1.1' } }, notValid('headers')],
      ['a URL of another kind', { mapper: { a: 1 }, url: 'file:///etc/passwd' }, notValid('url')],
    ])('%s', async (_what, change, wanted) => {
      expectProblem(await ask('POST', `/api/v1/bots/${botId}/endpoints`, { kind: 'crm_push', url: 'https://crm.example/leads', ...change }), wanted);
    });

    it('an endpoint at another workspace\'s bot', async () => {
      expectProblem(await ask('POST', `/api/v1/bots/${foreignBotId}/endpoints`, { kind: 'webhook', url: 'https://crm.example/' }), { status: 404, code: 'bot_not_found' });
      expectProblem(await ask('GET', `/api/v1/bots/${foreignBotId}`), { status: 404, code: 'bot_not_found' });
    });
  });

  it('asks for what is not there', async () => {
    for (const path of ['/nothing', '/api/v1/nothing', '/api/v1/%zz', '/api/v1/../../etc/passwd']) expectProblem(await ask('GET', path), { status: 404, code: 'not_found' });
    for (const id of ['x', '00000000-0000-7000-8000-000000000000', '%00']) expectProblem(await ask('GET', `/api/v1/calls/${id}`), { status: 404, code: 'call_not_found' });
    expectProblem(await ask('GET', '/api/v1/calls?limit=all'), notValid('limit'));
    expectProblem(await ask('GET', '/recordings/made-up-token'), { status: 404, code: 'recording_not_found' });
  });

  it('hides templates and prototypes in its variables: they are words, in the call and in the push', async () => {
    const trapped = await fleet.bot({ opening_message: 'Hello {{crm.name}}. {{crm.__proto__.x}} {{crm.constructor.name}} {{__proto__}} Goodbye.', silence: { enabled: true, prompt_after_ms: 500, prompts: ['Goodbye {{crm.name}}.'], hang_up_after_prompts: 0 } });
    await fleet.api.post(`/api/v1/bots/${trapped}/endpoints`, { kind: 'crm_push', url: `${fleet.crm.url}/trapped`, mapper: {
      name: '{{crm.name}}', greeting: 'Dear {{crm.name}}', proto: '{{crm.__proto__.x}}', text: '{{crm.toString}}', length: '{{crm.name.length}}' } });
    const variables = '{"name":"{{crm.secret}}","secret":"hunter2","__proto__":{"x":"polluted"},"nested":{"__proto__":{"x":"polluted"}}}';
    const { status, text } = await dial(`{"bot_id":"${trapped}","to_number":"${customers.silent}","variables":${variables}}`);
    expect(status).toBe(200);
    const result = await fleet.result((JSON.parse(text) as { session_id: string }).session_id);
    const said = result.transcript.map((turn) => turn.text).join(' ');
    expect(said).toContain('Hello {{crm.secret}}.');
    expect(said).toContain('{{crm.__proto__.x}} {{crm.constructor.name}} {{__proto__}}');
    expect(said).not.toMatch(/hunter2|polluted/);
    expect(result.warnings).toEqual(['crm.__proto__.x', 'crm.constructor.name', '__proto__'].map((path) => `{{${path}}} has no value and was left as it is`));
    expect(result.variables).toEqual({ name: '{{crm.secret}}', secret: 'hunter2', nested: '{}' });
    const push = await fleet.crm.next('/trapped', 20_000);
    expect(JSON.parse(push.body)).toEqual({ name: '{{crm.secret}}', greeting: 'Dear {{crm.secret}}', proto: '', text: '', length: '' });
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it('has harmed nothing: a normal call is taken, and nothing else was dialled', async () => {
    const before = fleet.carrier.calls.length;
    expect(await fleet.result(await fleet.dial(botId, customers.busy))).toMatchObject({ disconnected_by: 'RNR', hangup_reason: 'busy' });
    expect(fleet.carrier.calls.length - before).toBe(1);
    expect(fleet.carrier.calls.map(({ to }) => to)).toEqual([customers.busy, customers.silent, customers.busy]);
    expect(await fleet.api.get('/health/fleet')).toMatchObject({ fleet_calls: 0, workers: [{ status: 'ready' }] });
  });
});
