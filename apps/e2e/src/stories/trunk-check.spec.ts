import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closedTcpPort } from '../harness/silent-trunk.js';
import { pause, TestFleet } from '../harness/test-fleet.js';
import { Kamailio } from '../interop/kamailio-server.js';
import { once, startCaller } from '../interop/library-caller.js';

interface Check { ok: boolean; worker_id: string; steps: { name: string; outcome: string; detail: string }[] }
interface Trunk { registration: { registered: boolean; worker_id: string; expires_at: string | null; last_answer: { status: number | null; reason: string; at: string } } | null }

/** A lease lapses after 10 s, and is looked at every 2.5 s. */
const TAKEN_OVER_WITHIN_MS = 20_000;

/** A real registrar (Kamailio), two workers, and somebody who asks why a trunk does not work. */
describe('trunks that register and are checked', () => {
  let fleet: TestFleet;
  let kamailio: Kamailio;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dialfleet-check-'));
    [fleet, kamailio] = await Promise.all([TestFleet.start({ workers: 2 }), Kamailio.start({ folder, password: 'secret' })]);
  });
  afterAll(async () => {
    await fleet?.stop();
    await kamailio?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const check = (trunkId: string): Promise<Check> => fleet.api.post<Check>(`/api/v1/trunks/${trunkId}/check`, {});
  const outcomes = ({ steps }: Check): Record<string, string> => Object.fromEntries(steps.map(({ name, outcome }) => [name, outcome]));
  const detail = ({ steps }: Check, name: string): string => steps.find((step) => step.name === name)?.detail ?? '';
  const account = { username: 'bot', password: 'secret', register: true, register_expires_seconds: 300 };
  const registration = async (trunkId: string, holds: (registration: NonNullable<Trunk['registration']>) => boolean, timeoutMs = 20_000): Promise<NonNullable<Trunk['registration']>> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const { registration: found } = await fleet.api.get<Trunk>(`/api/v1/trunks/${trunkId}`);
      if (found && holds(found)) return found;
      if (Date.now() > deadline) throw new Error(`the registration stays ${JSON.stringify(found)}`);
      await pause(200);
    }
  };

  it('a good one: everything is said to work, and it is registered', async () => {
    const id = await fleet.trunk({ ...account, transport: 'tls', port: kamailio.tlsPort, tls: { ca: kamailio.ca }, srtp: 'optional' });
    await registration(id, ({ registered, last_answer: { status } }) => registered && status === 200);
    const report = await check(id);
    expect(outcomes(report)).toEqual({ dns: 'ok', reachability: 'ok', tls: 'ok', options: 'ok', registration: 'ok', codecs: 'ok', address: 'ok', media: 'ok' });
    expect(report.ok).toBe(true);
    expect(detail(report, 'registration')).toBe('The registrar takes username and password (200 OK) and lists 1 registration.');
    expect(detail(report, 'tls')).toContain('localhost by Test authority, valid until');
    expect(detail(report, 'options')).toContain('kamailio');
  });

  it('a wrong port', async () => {
    const report = await check(await fleet.trunk({ transport: 'tcp', port: await closedTcpPort() }));
    expect([report.ok, outcomes(report)]).toEqual([false, expect.objectContaining({ dns: 'ok', reachability: 'failed', options: 'failed', registration: 'skipped' })]);
    expect(detail(report, 'reachability')).toMatch(/^No connection to TCP 127\.0\.0\.1:\d+ \(ECONNREFUSED\)\. Check port and transport/);
  });

  it('a wrong password', async () => {
    const id = await fleet.trunk({ ...account, password: 'wrong', port: kamailio.port });
    const report = await check(id);
    expect([report.ok, outcomes(report)]).toEqual([false, expect.objectContaining({ reachability: 'ok', options: 'ok', registration: 'failed' })]);
    expect(detail(report, 'registration')).toBe('The registrar does not take username and password (401 Unauthorized): check both.');
    expect(await registration(id, ({ last_answer: { status } }) => status === 401)).toMatchObject({ registered: false, expires_at: null });
    await fleet.api.patch(`/api/v1/trunks/${id}`, { password: 'secret' });
    expect(await registration(id, ({ registered }) => registered)).toMatchObject({ last_answer: { status: 200 } });
  });

  it('a certificate of an authority that nobody knows here', async () => {
    const report = await check(await fleet.trunk({ transport: 'tls', port: kamailio.tlsPort }));
    expect([report.ok, outcomes(report)]).toEqual([false, expect.objectContaining({ reachability: 'ok', tls: 'failed', options: 'failed' })]);
    expect(detail(report, 'tls')).toMatch(/authority.*Put the certificate of the authority that the carrier uses into tls\.ca\.$/);
  });

  it('a name that does not exist', async () => {
    const report = await check(await fleet.trunk({ host: 'no-such-host.invalid', register: true, username: 'u' }));
    expect(outcomes(report)).toMatchObject({ dns: 'failed', reachability: 'skipped', options: 'skipped', registration: 'skipped' });
    expect(detail(report, 'dns')).toMatch(/no-such-host\.invalid/);
  });

  it('a call to a registered number is answered by its bot', async () => {
    const did = '+14155550177';
    const id = await fleet.trunk({ ...account, username: did, port: kamailio.port });
    await fleet.api.post('/api/v1/numbers', { number: did, trunk_id: id, bot_id: await fleet.bot() });
    await registration(id, ({ registered }) => registered);
    const caller = await startCaller();
    const leg = caller.sip.createCall({ trunk: { host: '127.0.0.1', port: kamailio.port, transport: 'udp', codecs: ['PCMU'], username: 'customer', password: 'secret' }, dialUser: did, fromNumber: '+14155550199' });
    const outcome = Promise.race([once(leg, 'answered'), once(leg, 'failed')]);
    await leg.start();
    expect(await outcome).toEqual({ sipStatus: 200 });
    leg.hangUp();
    await once(leg, 'released');
    await leg.close();
    await caller.stop();
    const { data: [call] } = await fleet.api.get<{ data: { direction: string; to_number: string; from_number: string }[] }>('/api/v1/calls?limit=1');
    expect(call).toMatchObject({ direction: 'inbound', to_number: did, from_number: '+14155550199' });
  });

  it('a worker that is killed is followed by another; the trunk stays registered', async () => {
    const id = await fleet.trunk({ ...account, username: 'followed', port: kamailio.port });
    const before = await registration(id, ({ registered }) => registered);
    const killedAt = Date.now();
    process.kill(fleet.fleet.runFile.pids.worker[Number(before.worker_id.split('-').at(-1)) - 1], 'SIGKILL');
    const after = await registration(id, ({ registered, last_answer: { at } }) => registered && Date.parse(at) > killedAt, TAKEN_OVER_WITHIN_MS);
    expect(after).toMatchObject({ registered: true, last_answer: { status: 200 } });
  });
});
