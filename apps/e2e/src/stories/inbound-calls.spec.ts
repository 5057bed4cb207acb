import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CarrierSim, type CustomerCall, type DialOptions } from '@dialfleet/carrier-sim';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../harness/integrator.js';
import { transcribeChannels } from '../harness/listen-to-recording.js';
import { anOffer, RawCaller } from '../harness/raw-caller.js';
import { TestFleet } from '../harness/test-fleet.js';

const CALLER = '+14155550177';
const MAX_CALLS = 3;
const dids = { reception: '+14155550100', slow: '+14155550111', closed: '+14155550112', announced: '+14155550113', talkative: '+14155550114' } as const;
const nobody = '+14155550199';
const closedNow = { enabled: true, timezone: 'UTC', days: [['mon', 'wed', 'fri'][(new Date().getUTCDay() + 1) % 3]], start_time: '00:00', end_time: '00:01' };

interface Listed { session_id: string; direction: string; caller_id: string; to_number: string; variables: Record<string, string> }

describe('calls that come in', () => {
  let fleet: TestFleet;
  let silentCrm: Server;
  let sipAddress: string;
  const bots: Record<string, string> = {};

  const call = (did: string, options: Partial<DialOptions> = {}, carrier = fleet.carrier): CustomerCall =>
    carrier.dial({ to: `sip:${did}@${sipAddress}`, from: CALLER, persona: 'silent', ...options });
  const listed = async (did: string): Promise<Listed[]> => (await fleet.api.get<{ data: Listed[] }>(`/api/v1/calls?limit=50`)).data.filter(({ to_number }) => to_number === did);
  const newest = (did: string, known: readonly string[] = []): Promise<string> => eventually(`a call to ${did}`, async () =>
    (await listed(did)).find(({ session_id }) => !known.includes(session_id))?.session_id);
  const answers = async (name: keyof typeof dids, settings: Record<string, unknown>): Promise<void> => {
    bots[name] = await fleet.bot({ name, trunk_id: undefined, ...settings });
    await fleet.api.post('/api/v1/numbers', { number: dids[name], trunk_id: fleet.trunkId, bot_id: bots[name] });
  };

  beforeAll(async () => {
    silentCrm = createServer(() => undefined);
    await new Promise<void>((resolve) => { silentCrm.listen(0, '127.0.0.1', resolve); });
    fleet = await TestFleet.start({ maxCalls: MAX_CALLS });
    const health = await fleet.api.get<{ workers: { sip_address: string }[] }>('/health/fleet');
    sipAddress = health.workers[0].sip_address;
    const opening = 'Welcome to Green Dental, you are calling from a number that we know. What can we do for you?';
    await answers('reception', { opening_message: opening });
    await answers('talkative', { opening_message: 'One. Two. Three. Four. Five. Six. Seven. Eight. Nine. Ten. Eleven. Twelve. Thirteen. Fourteen. Fifteen. Sixteen.' });
    await answers('slow', { opening_message: opening, prefetch: { url: `http://127.0.0.1:${(silentCrm.address() as AddressInfo).port}/`, timeout_ms: 10_000 } });
    await answers('closed', { opening_message: opening, active_hours: closedNow });
    await answers('announced', { opening_message: opening, active_hours: { ...closedNow, closed_message: 'Green Dental is closed on this day. Please call again tomorrow.' } });
  });
  afterAll(async () => {
    await fleet?.stop();
    silentCrm?.closeAllConnections();
    silentCrm?.close();
  });

  it('are answered, spoken with, recorded, and told to the CRM like those that go out', async () => {
    await fleet.api.post(`/api/v1/bots/${bots['reception']}/endpoints`, { kind: 'crm_push', url: `${fleet.crm.url}/inbound`, mapper: {
      caller: '{{call.caller_id}}', called: '{{call.to_number}}', direction: '{{call.direction}}', customer: '{{call.x_customer_id}}', how: '{{result.disconnected_by}}' } });
    const customer = call(dids.reception, { headers: { 'X-Customer-Id': 'C-1042' }, persona: { name: 'caller', turns: [
      { says: 'I would like to come on Tuesday morning please.' }, { says: 'Thank you very much and good bye.' }] } });
    await customer.finished;
    const sessionId = await newest(dids.reception);
    const result = await fleet.result(sessionId);
    expect(result).toMatchObject({ direction: 'inbound', caller_id: CALLER, from_number: CALLER, to_number: dids.reception, bot_id: bots['reception'], sip_status: 200, recording_status: 'ready',
      variables: { x_customer_id: 'C-1042' } });
    expect(result.call_duration_seconds).toBeGreaterThan(3);
    const said = (speaker: string): string => result.transcript.filter((turn) => turn.speaker === speaker).map((turn) => turn.text).join(' ');
    expect(said('bot')).toContain('Welcome to Green Dental');
    expect(said('customer').toLowerCase()).toMatch(/tuesday|morning/);
    const push = JSON.parse((await fleet.crm.next('/inbound', 20_000)).body) as Record<string, unknown>;
    expect(push).toEqual({ caller: CALLER, called: dids.reception, direction: 'inbound', customer: 'C-1042', how: result.disconnected_by });
    const heard = await transcribeChannels(Buffer.from(await (await fetch(String(result.recording_url))).arrayBuffer()));
    expect(heard.customer.toLowerCase()).toMatch(/tuesday|morning/);
    expect(heard.bot.toLowerCase()).toMatch(/dental|welcome/);
    const types = result.events.map(({ type }) => type);
    expect(types.filter((type) => ['call.offered', 'call.ringing', 'call.answered', 'call.talking', 'call.ended'].includes(type)).slice(0, 4)).toEqual(['call.offered', 'call.ringing', 'call.answered', 'call.talking']);
    expect(types).not.toContain('machine.detected');
  });

  it('from nowhere that we know hear nothing at all, whatever they send', async () => {
    const [stranger, known] = [await RawCaller.open(sipAddress, '127.0.0.9'), await RawCaller.open(sipAddress)];
    for (const method of ['INVITE', 'OPTIONS', 'REGISTER', 'CANCEL', 'MESSAGE', 'SUBSCRIBE']) stranger.send(stranger.request(method, { body: method === 'INVITE' ? anOffer() : '' }));
    stranger.send(stranger.request('BYE', { toTag: 'guess' }));
    stranger.send('INVITE sip:x SIP/2.0\r\n\r\n');
    // What comes after them on the same socket is answered: the others were read, and left without a word.
    known.send(known.request('OPTIONS'));
    expect(await known.heard('CSeq: 1 OPTIONS')).toMatch(/^SIP\/2\.0 200 [^]*\r\nAllow: /);
    expect(stranger.received).toEqual([]);
    await Promise.all([stranger.close(), known.close()]);
  });

  it('to a number that nobody has: 404, and no call', async () => {
    const customer = call(nobody);
    await customer.finished;
    expect(customer.record).toMatchObject({ sipStatus: 404, answeredAtMs: null });
    expect(await listed(nobody)).toEqual([]);
  });

  it('without a number of their own are answered, too', async () => {
    const known = (await listed(dids.reception)).map(({ session_id }) => session_id);
    const customer = call(dids.reception, { from: 'anonymous' });
    await fleet.carrier.next('answered', (record) => record.from === 'anonymous');
    const sessionId = await newest(dids.reception, known);
    customer.hangUp();
    expect(await fleet.result(sessionId)).toMatchObject({ caller_id: 'anonymous', disconnected_by: 'customer', hangup_reason: 'customer_hung_up' });
  });

  it('outside the hours: 480 with the time to try again', async () => {
    const caller = await RawCaller.open(sipAddress);
    caller.send(caller.request('INVITE', { to: dids.closed, body: anOffer() }));
    expect(await caller.heard('SIP/2.0 480')).toMatch(/\r\nRetry-After: [1-9]\d{2,5}\r\n/);
    expect(await listed(dids.closed)).toEqual([]);
    await caller.close();
  });

  it('outside the hours hear the announcement, where there is one', async () => {
    const customer = call(dids.announced);
    await customer.finished;
    expect(customer.record).toMatchObject({ endedBy: 'bot', sipStatus: 200 });
    const result = await fleet.result(await newest(dids.announced));
    expect(result).toMatchObject({ disconnected_by: 'bot', hangup_reason: 'outside_hours', direction: 'inbound' });
    expect(result.transcript).toEqual([expect.objectContaining({ speaker: 'bot', text: 'Green Dental is closed on this day. Please call again tomorrow.' })]);
  });

  it('given up while they ring end with a result of no length', async () => {
    const ringing = fleet.carrier.next('ringing', ({ sipStatus }) => sipStatus === 180);
    const customer = call(dids.slow);
    await ringing;
    customer.hangUp();
    const result = await fleet.result(await newest(dids.slow));
    expect(result).toMatchObject({ disconnected_by: 'customer', hangup_reason: 'customer_hung_up', sip_status: 487, answered_at: null, call_duration_seconds: 0, recording_status: 'none', transcript: [] });
  });

  it('over slow data are answered anyhow', async () => {
    const known = (await listed(dids.slow)).map(({ session_id }) => session_id);
    const answered = fleet.carrier.next('answered', ({ to }) => to === dids.slow);
    const customer = call(dids.slow);
    await answered;
    customer.hangUp();
    expect(await fleet.result(await newest(dids.slow, known))).toMatchObject({ disconnected_by: 'customer', sip_status: 200 });
  });

  it('sent again by the network are one call; by a proxy over another way, merged', async () => {
    const known = (await listed(dids.reception)).map(({ session_id }) => session_id);
    const caller = await RawCaller.open(sipAddress);
    const invite = caller.request('INVITE', { callId: 'again@carrier', branch: 'z9hG4bKagain', body: anOffer() });
    caller.send(invite);
    caller.send(invite);
    const ok = await caller.heard('SIP/2.0 200');
    caller.send(invite);
    caller.send(caller.request('INVITE', { callId: 'again@carrier', branch: 'z9hG4bKother', body: anOffer() }));
    expect(await caller.heard('branch=z9hG4bKother')).toMatch(/^SIP\/2\.0 482 /);
    const toTag = /\r\nTo: [^\r]*;tag=([^\r;]+)/i.exec(ok)?.[1];
    caller.send(caller.request('ACK', { callId: 'again@carrier', toTag }));
    caller.send(caller.request('BYE', { callId: 'again@carrier', toTag, cseq: 2 }));
    await caller.heard('CSeq: 2 BYE');
    const sessions = (await listed(dids.reception)).filter(({ session_id }) => !known.includes(session_id));
    expect(sessions).toHaveLength(1);
    expect(await fleet.result(sessions[0].session_id)).toMatchObject({ disconnected_by: 'customer', variables: { sip_call_id: 'again@carrier' } });
    await caller.close();
  });

  it('over the capacity of the worker: 503 with Retry-After, for callers and dialouts alike', async () => {
    const known = (await listed(dids.talkative)).map(({ session_id }) => session_id);
    const customers = Array.from({ length: MAX_CALLS }, () => call(dids.talkative));
    await eventually('all answered', () => (customers.every(({ record }) => record.answeredAtMs !== null) ? true : undefined));
    const caller = await RawCaller.open(sipAddress);
    caller.send(caller.request('INVITE', { body: anOffer() }));
    expect(await caller.heard('SIP/2.0 503')).toMatch(/\r\nRetry-After: [1-9]\d*\r\n/);
    await expect(fleet.dial(bots['talkative'], '+14155550101')).rejects.toThrow(/503|no_capacity/);
    for (const customer of customers) customer.hangUp();
    await Promise.all(customers.map(({ finished }) => finished));
    const sessions = (await listed(dids.talkative)).filter(({ session_id }) => !known.includes(session_id));
    expect(sessions).toHaveLength(MAX_CALLS);
    for (const { session_id } of sessions) expect(await fleet.result(session_id)).toMatchObject({ disconnected_by: 'customer' });
    await caller.close();
  });

  it('with an offer that a worker cannot meet: 488, and a result that says so', async () => {
    const known = (await listed(dids.reception)).map(({ session_id }) => session_id);
    const caller = await RawCaller.open(sipAddress);
    caller.send(caller.request('INVITE', { body: anOffer().replace('AVP 0', 'AVP 18').replace('0 PCMU', '18 G729') }));
    await caller.heard('SIP/2.0 488');
    expect(await fleet.result(await newest(dids.reception, known))).toMatchObject({ disconnected_by: 'error', hangup_reason: 'trunk_failed', sip_status: 488, answered_at: null });
    await caller.close();
  });

  it('press keys that are heard', async () => {
    const known = (await listed(dids.reception)).map(({ session_id }) => session_id);
    const customer = call(dids.reception, { persona: { name: 'keypad-caller', turns: [{ sends_dtmf: '42#', when: 'at_once' }, { waits_ms: 300 }, { hangs_up: true }] } });
    await customer.finished;
    const { events } = await fleet.result(await newest(dids.reception, known));
    expect(events.filter(({ type }) => type === 'dtmf.received').map(({ data }) => data['digit'])).toEqual(['4', '2', '#']);
  });

  it('are hung up over the API', async () => {
    const known = (await listed(dids.talkative)).map(({ session_id }) => session_id);
    const answered = fleet.carrier.next('answered', ({ to }) => to === dids.talkative);
    const customer = call(dids.talkative);
    await answered;
    const sessionId = await newest(dids.talkative, known);
    await eventually('the worker is known', async () => { await fleet.api.post(`/api/v1/calls/${sessionId}/hangup`, {}); return true; });
    await customer.finished;
    expect(customer.record.endedBy).toBe('bot');
    expect(await fleet.result(sessionId)).toMatchObject({ disconnected_by: 'bot', hangup_reason: 'hangup_requested' });
  });

  describe('with the credentials of a trunk', () => {
    let branchOffice: CarrierSim;
    beforeAll(async () => {
      branchOffice = await CarrierSim.start({ host: '127.0.0.9' });
      const trunkId = await fleet.trunk({ host: '127.0.0.50', port: 5060, username: 'branch', password: 'secret', inbound_auth: true });
      await fleet.api.post('/api/v1/numbers', { number: dids.reception, trunk_id: trunkId, bot_id: bots['reception'] });
      const stranger = await RawCaller.open(sipAddress, '127.0.0.9');
      await eventually('the worker knows the trunk', () => {
        stranger.send(stranger.request('INVITE', { body: anOffer() }));
        return stranger.received.find((message) => message.startsWith('SIP/2.0 401'));
      });
      await stranger.close();
    });
    afterAll(() => branchOffice?.stop());

    it('come from anywhere', async () => {
      const known = (await listed(dids.reception)).map(({ session_id }) => session_id);
      const answered = branchOffice.next('answered');
      const customer = call(dids.reception, { username: 'branch', password: 'secret', from: '+14155550188' }, branchOffice);
      await answered;
      const sessionId = await newest(dids.reception, known);
      customer.hangUp();
      expect(await fleet.result(sessionId)).toMatchObject({ caller_id: '+14155550188', disconnected_by: 'customer' });
    });

    it('that are wrong come from nowhere', async () => {
      const customer = call(dids.reception, { username: 'branch', password: 'guess' }, branchOffice);
      await customer.finished;
      expect(customer.record).toMatchObject({ sipStatus: 403, answeredAtMs: null });
    });
  });

  it('leave every slot free', async () => {
    await eventually('no call is left', async () => ((await fleet.api.get<{ fleet_calls: number }>('/health/fleet')).fleet_calls === 0 ? true : undefined), 10_000);
  });
});
