import { SecretBox } from '@dialfleet/database';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { generate } from 'selfsigned';
import { workerView } from '../testing/fake-fleet.js';
import { GatewayHarness } from '../testing/gateway-harness.js';

const TRUNK = { name: 'Carrier', host: 'sip.example.com', transport: 'udp', default_from_number: '+14155550100' };
type Problem = { path: string; message: string };
const problemsOf = (answer: { body: Record<string, unknown> }): Problem[] => (answer.body.errors ?? []) as Problem[];
const pathsOf = (answer: { body: Record<string, unknown> }): string[] => problemsOf(answer).map((problem) => problem.path);

let gateway: GatewayHarness;
let pem: { private: string; cert: string };
let otherKey: string;
beforeAll(async () => {
  [gateway, pem] = await Promise.all([GatewayHarness.start(), generate([{ name: 'commonName', value: 'client.example' }], { keyType: 'ec' })]);
  otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } }).privateKey;
}, 60_000);
afterAll(() => gateway?.close());
beforeEach(() => gateway.fleet.reset());

const create = (change: object) => gateway.post('/api/v1/trunks', { ...TRUNK, ...change });
const patch = (id: unknown, change: object) => gateway.ask('PATCH', `/api/v1/trunks/${String(id)}`, { body: change });
const stored = (id: unknown) => gateway.database.trunk.findUniqueOrThrow({ where: { id: String(id) } });

describe('settings of a trunk', () => {
  it('are all kept, shown, and handed to the worker that dials', async () => {
    const tls = { server_name: 'sip.example', ca: pem.cert, certificate: pem.cert };
    const settings = {
      host: '[2001:db8::1]', transport: 'tls', username: 'u', from_domain: 'me.example', register: true, register_expires_seconds: 600, codecs: ['PCMA'],
      srtp: 'required', inbound_auth: true, inbound_sources: ['203.0.113.0/24'], outbound_proxy: 'sbc.example:5061', identity_header: 'p_asserted_identity', privacy: true,
      tcp_for_large_requests: false, redirect_hosts: ['[::1]', 'b.example'],
      allow_refer: true, session_expires_seconds: 600, reliable_provisional: 'required', keep_alive_seconds: 15,
    };
    const created = await create({ ...settings, password: 'hunter2', tls: { ...tls, key: pem.private } });
    expect([created.status, created.text]).toEqual([201, expect.not.stringMatching(/hunter2|PRIVATE KEY/)]);
    expect(created.body).toMatchObject({ ...settings, host: '2001:db8::1', redirect_hosts: ['::1', 'b.example'], port: null, tls, has_password: true, has_client_key: true, registration: null });
    const row = await stored(created.body.trunk_id);
    expect(new SecretBox(gateway.secretKey).open(row.tlsKey!)).toBe(pem.private);
    await gateway.post('/api/v1/dialout', { bot_id: await gateway.bot({ trunk_id: row.id }), to_number: '+14155550123' });
    expect(gateway.fleet.plans[0].trunk).toMatchObject({
      trunkId: row.id, host: '2001:db8::1', transport: 'tls', username: 'u', password: 'hunter2', fromDomain: 'me.example', codecs: ['PCMA'], srtp: 'required',
      outboundProxy: 'sbc.example:5061', identityHeader: 'p_asserted_identity', privacy: true, tls: { serverName: 'sip.example', ca: pem.cert, certificate: pem.cert, key: pem.private },
      tcpForLargeRequests: false, redirectHosts: ['::1', 'b.example'], allowRefer: true, sessionExpiresSeconds: 600, reliableProvisional: 'required', keepAliveSeconds: 15,
    });
  });

  it('have defaults: a trunk is a host, a transport and a number', async () => {
    const created = await create({});
    expect(created.body).toMatchObject({
      port: null, register: false, register_expires_seconds: 3600, srtp: 'off', inbound_auth: false, outbound_proxy: null, identity_header: 'none', privacy: false, tls: null,
      has_client_key: false, ws_path: null, tcp_for_large_requests: true, redirect_hosts: [], allow_refer: false, session_expires_seconds: 1800,
      reliable_provisional: 'supported', keep_alive_seconds: 30, registration: null,
    });
  });

  it('change one by one, within tls too; keys that are not named stay', async () => {
    const id = (await create({ transport: 'wss', ws_path: '/sip', port: 8443, tls: { ca: pem.cert, certificate: pem.cert, key: pem.private } })).body.trunk_id;
    const sealed = (await stored(id)).tlsKey;
    expect((await patch(id, { tls: { server_name: 'a.example', ca: null }, port: null })).body).toMatchObject({ port: null, tls: { server_name: 'a.example', certificate: pem.cert }, has_client_key: true });
    expect((await stored(id)).tlsKey).toBe(sealed);
    expect((await stored(id)).tlsCa).toBeNull();
    expect((await patch(id, { name: 'Other' })).body).toMatchObject({ tls: { server_name: 'a.example' }, has_client_key: true });
    expect((await patch(id, { tls: { certificate: null, key: null } })).body).toMatchObject({ tls: { server_name: 'a.example' }, has_client_key: false });
    expect((await patch(id, { tls: null })).body).toMatchObject({ tls: null });
    expect((await patch(id, { transport: 'tcp', ws_path: null })).body).toMatchObject({ transport: 'tcp', ws_path: null });
  });

  it('never show a secret in the audit log', async () => {
    const id = (await create({ transport: 'tls', username: 'u', password: 'hunter2', tls: { certificate: pem.cert, key: pem.private } })).body.trunk_id;
    await patch(id, { password: 'hunter3', tls: { key: pem.private } });
    const log = JSON.stringify(await gateway.database.auditEntry.findMany({ where: { targetId: String(id) } }));
    expect(log).toContain('"fields":["password","tls"]');
    expect(log).not.toMatch(/hunter|PRIVATE/);
  });

  it.each<[string, () => object, Problem]>([
    ['a registration without a user', () => ({ register: true }), { path: 'username', message: 'is required with register' }],
    ['callers that authenticate without a password', () => ({ inbound_auth: true, username: 'u' }), { path: 'password', message: 'is required with inbound_auth' }],
    ['TLS settings of a trunk without TLS', () => ({ tls: { server_name: 'a.example' } }), { path: 'tls', message: 'needs transport tls or wss, not udp' }],
    ['a WebSocket path without one', () => ({ transport: 'tls', ws_path: '/sip' }), { path: 'ws_path', message: 'needs transport ws or wss, not tls' }],
    ['an authority that is no PEM', () => ({ transport: 'tls', tls: { ca: 'MIIB' } }), { path: 'tls.ca', message: 'must be PEM: a block from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----' }],
    ['half a certificate', () => ({ transport: 'tls', tls: { ca: pem.cert.replace(/\n.{40}/, '\n') } }), { path: 'tls.ca', message: 'has a certificate that cannot be read (block 1): was it copied whole?' }],
    ['a private key among the certificates', () => ({ transport: 'tls', tls: { certificate: `${pem.cert}\n${pem.private}`, key: pem.private } }), { path: 'tls.certificate', message: 'holds a private key: it belongs into tls.key, where it is kept secret' }],
    ['a certificate without its key', () => ({ transport: 'tls', tls: { certificate: pem.cert } }), { path: 'tls.key', message: 'is required with a certificate' }],
    ['a key without its certificate', () => ({ transport: 'tls', tls: { key: pem.private } }), { path: 'tls.certificate', message: 'is required with a key (send null for both to remove them)' }],
    ['another certificate\'s key', () => ({ transport: 'tls', tls: { certificate: pem.cert, key: otherKey } }), { path: 'tls.key', message: 'does not belong to the (first) certificate' }],
    ['a key with a passphrase', () => ({ transport: 'tls', tls: { certificate: pem.cert, key: otherKey.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE') } }), { path: 'tls.key', message: 'must not be protected by a passphrase' }],
    ['a key that is none', () => ({ transport: 'tls', tls: { certificate: pem.cert, key: 'secret' } }), { path: 'tls.key', message: 'must be PEM: a block from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----' }],
  ])('are refused where they contradict each other: %s', async (_name, change, problem) => { expect(problemsOf(await create(change()))).toEqual([problem]); });

  it('are checked against what is stored, too', async () => {
    const id = (await create({ transport: 'tls', username: 'u', password: 'p', inbound_auth: true, tls: { certificate: pem.cert, key: pem.private } })).body.trunk_id;
    expect(pathsOf(await patch(id, { password: null }))).toEqual(['password']);
    expect(pathsOf(await patch(id, { username: null }))).toEqual(['username']);
    expect(pathsOf(await patch(id, { transport: 'udp' }))).toEqual(['tls']);
    expect(pathsOf(await patch(id, { tls: { certificate: null } }))).toEqual(['tls.certificate']);
    expect(pathsOf(await patch(id, { tls: { key: otherKey } }))).toEqual(['tls.key']);
    const other = await generate([{ name: 'commonName', value: 'other.example' }], { keyType: 'ec' });
    expect(pathsOf(await patch(id, { tls: { certificate: other.cert } }))).toEqual(['tls.key']);
    expect((await patch(id, { tls: { certificate: other.cert, key: other.private } })).status).toBe(200);
  });
});

describe('the registration of a trunk', () => {
  const state = (trunkId: string, change: object = {}) => ({
    trunkId, workerId: 'w-1', registered: true, since: '2026-01-05T09:00:00.000Z', lastAnswer: { status: 200, reason: 'OK', at: '2026-01-05T09:50:00.000Z' }, expiresAt: '2026-01-05T10:30:00.000Z', ...change,
  });

  it('is shown as the workers told it, and not beyond its time', async () => {
    const id = String((await create({ register: true, username: 'u' })).body.trunk_id);
    expect((await gateway.get(`/api/v1/trunks/${id}`)).body.registration).toBeNull();
    gateway.fleet.registrations.set(id, state(id));
    const shown = { registered: true, since: '2026-01-05T09:00:00.000Z', last_answer: { status: 200, reason: 'OK', at: '2026-01-05T09:50:00.000Z' }, expires_at: '2026-01-05T10:30:00.000Z', worker_id: 'w-1' };
    expect((await gateway.get(`/api/v1/trunks/${id}`)).body.registration).toEqual(shown);
    expect((await gateway.get('/api/v1/trunks?limit=1')).body.data).toEqual([expect.objectContaining({ trunk_id: id, registration: shown })]);
    gateway.fleet.registrations.set(id, state(id, { expiresAt: '2026-01-05T09:59:00.000Z' }));
    expect((await gateway.get(`/api/v1/trunks/${id}`)).body.registration).toMatchObject({ registered: false, since: '2026-01-05T09:59:00.000Z', expires_at: null });
    await patch(id, { register: false });
    expect((await gateway.get(`/api/v1/trunks/${id}`)).body.registration).toBeNull();
  });
});

describe('a trunk check', () => {
  const report = { ok: false, workerId: 'w-2', steps: [{ name: 'dns', outcome: 'failed' as const, detail: 'No.', durationMs: 12 }, { name: 'options', outcome: 'skipped' as const, detail: 'No server.' }] };

  it('is made by a worker that is ready, the one with the registration if there is one', async () => {
    const id = String((await create({ register: true, username: 'u', password: 'hunter2' })).body.trunk_id);
    gateway.fleet.views = [workerView({ id: 'w-0', status: 'draining', free: 9 }), workerView({ id: 'w-1', free: 3 }), workerView({ id: 'w-2', free: 5 })];
    gateway.fleet.checkAnswer = report;
    const answer = await gateway.post(`/api/v1/trunks/${id}/check`);
    expect([answer.status, answer.body]).toEqual([200, { ok: false, worker_id: 'w-2', steps: [{ name: 'dns', outcome: 'failed', detail: 'No.', duration_ms: 12 }, { name: 'options', outcome: 'skipped', detail: 'No server.' }] }]);
    gateway.fleet.registrations.set(id, { trunkId: id, workerId: 'w-1', registered: true, since: '', lastAnswer: { status: 200, reason: 'OK', at: '' }, expiresAt: null });
    await gateway.post(`/api/v1/trunks/${id}/check`);
    expect(gateway.fleet.checks.map(([worker, { register, trunk }]) => [worker, register, trunk.trunkId, trunk.password])).toEqual([['w-2', true, id, 'hunter2'], ['w-1', true, id, 'hunter2']]);
  });

  it('says why it cannot be made, and does not exist for others', async () => {
    const id = String((await create({})).body.trunk_id);
    expect((await gateway.post(`/api/v1/trunks/${id}/check`)).body).toMatchObject({ status: 503, code: 'unavailable', detail: expect.stringContaining('did not answer in time') });
    gateway.fleet.views = [workerView({ status: 'draining' })];
    expect((await gateway.post(`/api/v1/trunks/${id}/check`)).body).toMatchObject({ status: 503, detail: 'No worker is ready to try the trunk.' });
    gateway.fleet.isConnected = false;
    expect((await gateway.post(`/api/v1/trunks/${id}/check`)).body).toMatchObject({ status: 503, detail: expect.stringContaining('broker') });
    const { key } = await gateway.neighbour();
    expect((await gateway.post(`/api/v1/trunks/${id}/check`, undefined, { key })).body).toMatchObject({ status: 404, code: 'trunk_not_found' });
    expect((await gateway.post('/api/v1/trunks/trunk_nope/check')).status).toBe(404);
  });
});
