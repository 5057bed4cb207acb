import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ExternalProgram } from '../harness/external-program.js';
import { eventually } from '../harness/integrator.js';
import { anOffer, RawCaller } from '../harness/raw-caller.js';
import { TestFleet } from '../harness/test-fleet.js';
import { allSatisfied, startSipp } from './sipp-run.js';

const dids = { open: '+14155550100', slow: '+14155550111', closed: '+14155550112' };

/** SIPp calls a whole platform: gateway, broker, database and a worker. */
describe('sipp calls a number of ours', () => {
  let fleet: TestFleet;
  let silentCrm: Server;
  let worker: string;
  let folder: string;
  let sipp: ExternalProgram | undefined;

  beforeAll(async () => {
    silentCrm = createServer(() => undefined);
    await new Promise<void>((resolve) => { silentCrm.listen(0, '127.0.0.1', resolve); });
    fleet = await TestFleet.start();
    worker = (await fleet.api.get<{ workers: { sip_address: string }[] }>('/health/fleet')).workers[0].sip_address;
    const opening = { trunk_id: undefined, opening_message: 'Hello.' };
    const closedDay = ['mon', 'wed', 'fri'][(new Date().getUTCDay() + 1) % 3];
    for (const [number, settings] of [
      [dids.open, opening], [dids.slow, { ...opening, prefetch: { url: `http://127.0.0.1:${(silentCrm.address() as AddressInfo).port}/`, timeout_ms: 10_000 } }],
      [dids.closed, { ...opening, active_hours: { enabled: true, timezone: 'UTC', days: [closedDay], start_time: '00:00', end_time: '00:01' } }],
    ] as const) await fleet.api.post('/api/v1/numbers', { number, trunk_id: fleet.trunkId, bot_id: await fleet.bot(settings) });
  });
  afterAll(async () => {
    await fleet?.stop();
    silentCrm?.closeAllConnections();
    silentCrm?.close();
  });
  afterEach(async () => {
    await sipp?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** One call of a scenario; it ends with 0 when the worker did all that the scenario wants. */
  async function play(scenario: string, number: string, transport: 'udp' | 'tcp'): Promise<void> {
    folder = await mkdtemp(join(tmpdir(), 'dialfleet-sipp-'));
    sipp = (await startSipp(scenario, { folder, transport, extra: ['-s', number, worker] })).program;
    await allSatisfied([sipp], folder);
  }

  const sessions = async (number: string): Promise<string[]> =>
    (await fleet.api.get<{ data: { session_id: string; to_number: string }[] }>('/api/v1/calls?limit=100')).data.filter(({ to_number }) => to_number === number).map(({ session_id }) => session_id);
  /** The one call that came of `act`. */
  async function callOf(number: string, act: () => Promise<void>): Promise<string> {
    const known = await sessions(number);
    await act();
    const made = await eventually('a call', async () => { const now = (await sessions(number)).filter((id) => !known.includes(id)); return now.length > 0 ? now : undefined; });
    expect(made).toHaveLength(1);
    return made[0];
  }

  describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
    it('talks and hangs up', async () => {
      const id = await callOf(dids.open, () => play('caller', dids.open, transport));
      expect(await fleet.result(id)).toMatchObject({ direction: 'inbound', caller_id: '+15550001', disconnected_by: 'customer', sip_status: 200 });
    });

    it('leaves the offer to us', async () => {
      const id = await callOf(dids.open, () => play('inbound-late-offer', dids.open, transport));
      expect(await fleet.result(id)).toMatchObject({ disconnected_by: 'customer', sip_status: 200 });
    });

    it('gives up while it rings', async () => {
      const id = await callOf(dids.slow, () => play('inbound-cancel', dids.slow, transport));
      expect(await fleet.result(id)).toMatchObject({ disconnected_by: 'customer', sip_status: 487, call_duration_seconds: 0 });
    });

    it('is told when to call again', () => play('inbound-closed', dids.closed, transport));
    it('asks whether anybody is there', () => play('inbound-options', dids.open, transport));
  });

  it('is an older phone that answers the MD5 challenge', async () => {
    const trunkId = await fleet.trunk({ host: '127.0.0.50', port: 5060, username: 'branch', password: 'secret', inbound_auth: true });
    await fleet.api.post('/api/v1/numbers', { number: dids.open, trunk_id: trunkId, bot_id: await fleet.bot({ trunk_id: undefined, opening_message: 'Hello.' }) });
    const phone = await RawCaller.open(worker, '127.0.0.9');
    const challenge = await eventually('the worker knows the trunk', () => {
      phone.send(phone.request('INVITE', { body: anOffer() }));
      return phone.received.find((message) => message.startsWith('SIP/2.0 401'));
    });
    const [, realm, nonce] = /Digest realm="([^"]+)", nonce="([^"]+)", algorithm=MD5/.exec(challenge) ?? [];
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
    const uri = `sip:${dids.open}@${worker}`;
    const response = md5(`${md5(`branch:${realm}:secret`)}:${nonce}:00000001:cn:auth:${md5(`INVITE:${uri}`)}`);
    const authorization = `Authorization: Digest username="branch", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, cnonce="cn", qop=auth, nc=00000001`;
    const id = await callOf(dids.open, async () => {
      phone.send(phone.request('INVITE', { callId: 'phone@branch', body: anOffer('127.0.0.9'), headers: [authorization] }));
      const toTag = /\r\nTo: [^\r]*;tag=([^\r;]+)/i.exec(await phone.heard('SIP/2.0 200'))?.[1];
      phone.send(phone.request('ACK', { callId: 'phone@branch', toTag }));
      phone.send(phone.request('BYE', { callId: 'phone@branch', toTag, cseq: 2 }));
      await phone.heard('CSeq: 2 BYE');
    });
    expect(await fleet.result(id)).toMatchObject({ disconnected_by: 'customer', sip_status: 200 });
    await phone.close();
  });
});
