import type { CallLeg, CallPlan, LegEvents } from '@dialfleet/call';
import type { InboundDecision, InboundRequest } from '@dialfleet/fleet';
import { Emitter, silentLogger, VirtualClock } from '@dialfleet/kit';
import type { IncomingCall } from '@dialfleet/telephony';
import { describe, expect, it } from '@jest/globals';
import { CallSlots } from '../fleet/call-slots.js';
import { InboundCalls } from './inbound-calls.js';
import { inboundRequest } from './inbound-request.js';

const plan = (sessionId = '01900000-0000-7000-8000-000000000001'): CallPlan => ({
  sessionId, workspaceId: 'ws', botId: 'b', botVersion: 1, bot: {}, direction: 'inbound', trunk: { trunkId: 't', host: 'h', transport: 'udp', codecs: [] }, toNumber: '+1', fromNumber: '+2',
  dialUser: '', variables: {}, ringTimeoutMs: 1, maxDurationMs: 1, record: true, acceptedAt: '', claimDeadlineMs: 0,
});

function worker(ask: (request: InboundRequest) => Promise<InboundDecision>, maxCalls = 1) {
  const log: string[] = [];
  const slots = new CallSlots({ workerId: 'w', epoch: 'e', maxCalls }, new VirtualClock(), () => { throw new Error('claimed'); });
  const calls = new InboundCalls({
    gate: { trunksOf: ({ address }) => (address === '203.0.113.5' ? ['t'] : []) }, slots, worker: { workerId: 'w', epoch: 'e' }, ask, logger: silentLogger,
    begin: (given) => { log.push(`begin ${given.sessionId.slice(-1)}`); return { callerLeft: () => { log.push('left'); }, hangUp: () => undefined, transfer: () => ({ ok: true }), done: new Promise(() => undefined) }; },
  });
  const call = (address = '203.0.113.5'): IncomingCall & { events: Emitter<LegEvents> } => {
    const events = new Emitter<LegEvents>();
    return {
      callId: 'c', toUser: '+1', fromUser: '+2', headers: { from: '<sip:+2@x>;tag=f' }, source: { address, port: 5060 }, leg: { events } as unknown as CallLeg, events,
      obey: () => undefined,
      reject: (status: number, { reason, retryAfterSeconds }: { reason?: string; retryAfterSeconds?: number } = {}) => { log.push(['reject', status, reason, retryAfterSeconds].filter((part) => part !== undefined).join(' ')); },
    } as unknown as IncomingCall & { events: Emitter<LegEvents> };
  };
  return { calls, slots, log, call };
}

describe('a call that comes in to a worker', () => {
  it('takes its slot before anybody is asked, and keeps it', async () => {
    const asked: InboundRequest[] = [];
    const w = worker((request) => { asked.push(request); return Promise.resolve({ action: 'take', plan: plan() }); });
    await Promise.all([w.calls.invited(w.call()), w.calls.invited(w.call())]);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ workerId: 'w', epoch: 'e', trunkIds: ['t'], calledUser: '+1', callerUser: '+2', sipCallId: 'c', fromTag: 'f' });
    expect([w.log.sort(), w.slots.size]).toEqual([['begin 1', 'reject 503 5'], 1]);
  });

  it('is told what the gateway says, and its slot is free again', async () => {
    const w = worker(() => Promise.resolve({ action: 'refuse', sipStatus: 480, reason: 'Outside Active Hours', retryAfterSeconds: 60 }));
    await w.calls.invited(w.call());
    expect([w.log, w.slots.size]).toEqual([['reject 480 Outside Active Hours 60'], 0]);
  });

  it.each<[string, () => Promise<InboundDecision>]>([
    ['no gateway answers', () => Promise.reject(new Error('no responders'))], ['the plan cannot be read', () => Promise.resolve({ action: 'take', plan: { ...plan(), trunk: null as never } })],
  ])('gets 503 when %s', async (_name, ask) => {
    const w = worker(ask);
    await w.calls.invited(w.call());
    expect([w.log, w.slots.size]).toEqual([['reject 503 2'], 0]);
  });

  it('gets 503 while the worker drains', async () => {
    const w = worker(() => Promise.reject(new Error('asked')));
    w.slots.drain();
    await w.calls.invited(w.call());
    expect(w.log).toEqual(['reject 503 30']);
  });

  it('whose caller has gone before the answer came still gets its session, and so its result', async () => {
    let decide: (decision: InboundDecision) => void = () => undefined;
    const w = worker(() => new Promise((resolve) => { decide = resolve; }));
    const call = w.call();
    const invited = w.calls.invited(call);
    call.events.emit('hungUp', { sipReason: 'CANCEL' });
    decide({ action: 'take', plan: plan() });
    await invited;
    expect(w.log).toEqual(['begin 1', 'left']);
  });

  it('is one call when it comes twice: the second is merged', async () => {
    const w = worker(() => Promise.resolve({ action: 'take', plan: plan() }), 3);
    await w.calls.invited(w.call());
    await w.calls.invited(w.call());
    expect([w.log, w.slots.size]).toEqual([['begin 1', 'reject 482 Merged Request'], 1]);
  });

  it('from nobody we know is refused even if it got this far', async () => {
    const w = worker(() => Promise.reject(new Error('asked')));
    await w.calls.invited(w.call('198.51.100.1'));
    expect(w.log).toEqual(['reject 403']);
  });
});

describe('what a gateway is asked', () => {
  const ask = (headers: Record<string, string>, fromUser = '+2') => inboundRequest({ callId: 'c', toUser: '+1', fromUser, headers: { from: `<sip:${fromUser}@x>;tag=a1;x=y`, ...headers } }, { workerId: 'w', epoch: 'e' }, ['t']);

  it('names the number where To or P-Called-Party-ID has it, when the carrier calls the Contact of a registration', () => {
    const call = { callId: 'c', toUser: 'acct', fromUser: '+2', headers: { from: '<sip:+2@x>;tag=a', to: '<sip:+4930123@x>', 'p-called-party-id': '<sip:+4930124@x>' } };
    expect(inboundRequest(call, { workerId: 'w', epoch: 'e' }, ['t'], new Set(['acct'])).alsoCalled).toEqual(['+4930124', '+4930123']);
    expect(inboundRequest(call, { workerId: 'w', epoch: 'e' }, ['t'], new Set(['other']))).not.toHaveProperty('alsoCalled');
  });

  it('names the caller by the carrier\'s word, else by From', () => {
    expect(ask({}).callerUser).toBe('+2');
    expect(ask({ 'p-asserted-identity': '"Ann" <sip:+14155550177;cpc=ordinary@carrier>, <tel:+14155550178>' }).callerUser).toBe('+14155550177');
    expect(ask({ 'p-asserted-identity': 'tel:+14155550179' }).callerUser).toBe('+14155550179');
    expect(ask({}).fromTag).toBe('a1');
  });

  it.each<[Record<string, string>, string]>([[{ privacy: 'id' }, '+2'], [{ privacy: 'header;user' }, '+2'], [{}, 'anonymous'], [{ from: '"Anonymous" <sip:+2@anonymous.invalid>;tag=1' }, '+2']])(
    'keeps who withholds the number unnamed (%j)', (headers, fromUser) => {
      const asked = ask({ 'p-asserted-identity': '<sip:+14155550177@carrier>', 'remote-party-id': '<sip:+14155550177@carrier>', 'x-a': '1', ...headers }, fromUser);
      expect([asked.callerUser, asked.headers]).toEqual(['', { 'x-a': '1' }]);
    });

  it('passes on what header fields tell of the call, and no credentials or routes', () => {
    expect(ask({ 'x-customer-id': 'C-1', diversion: '<sip:+3@x>', authorization: 'Digest x', via: 'v', 'user-agent': 'PBX', 'x-long': 'x'.repeat(5000) }).headers)
      .toEqual({ 'x-customer-id': 'C-1', diversion: '<sip:+3@x>', 'user-agent': 'PBX', 'x-long': 'x'.repeat(1024) });
    expect(ask({ privacy: 'none' }).callerUser).toBe('+2');
  });
});
