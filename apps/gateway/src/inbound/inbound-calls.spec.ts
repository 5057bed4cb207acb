import type { BotSettings } from '@dialfleet/bot';
import type { CallPlan } from '@dialfleet/call';
import type { InboundDecision, InboundRequest } from '@dialfleet/fleet';
import { isUuid } from '@dialfleet/kit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { workerView } from '../testing/fake-fleet.js';
import { GatewayHarness } from '../testing/gateway-harness.js';
import { InboundCalls } from './inbound-calls.service.js';
import { inboundVariables } from './inbound-variables.js';

let gateway: GatewayHarness;
let trunkId: string;
let botId: string;
const DID = '+14155550100';
let invites = 0;

const call = (change: Partial<InboundRequest> = {}): InboundRequest => ({
  workerId: 'w-1', epoch: 'e-1', trunkIds: [trunkId], calledUser: DID, callerUser: '+14155550177', sipCallId: `invite-${++invites}@carrier`, fromTag: 'f', headers: {}, ...change,
});
const decide = (request: InboundRequest): Promise<InboundDecision> => gateway.app.get(InboundCalls).decide(request);
async function taken(request: InboundRequest): Promise<CallPlan<BotSettings>> {
  const decision = await decide(request);
  if (decision.action !== 'take') throw new Error(`refused: ${JSON.stringify(decision)}`);
  return decision.plan as CallPlan<BotSettings>;
}
const number = (trunk: string, bot: string, text: string): Promise<unknown> => gateway.post('/api/v1/numbers', { number: text, trunk_id: trunk, bot_id: bot });
const hours = (days: string[], extra: object = {}): object => ({ active_hours: { enabled: true, timezone: 'UTC', days, start_time: '09:00', end_time: '17:00', ...extra } });

beforeAll(async () => {
  gateway = await GatewayHarness.start();
  trunkId = await gateway.trunk({ default_country: 'US', username: 'u', password: 'secret' });
  botId = await gateway.bot();
  await number(trunkId, botId, DID);
}, 60_000);
afterAll(() => gateway?.close());
beforeEach(() => gateway.fleet.reset());

describe('a call to a number of ours', () => {
  it('is stored, and then handed out with everything the worker needs', async () => {
    const request = call({ headers: { 'x-customer-id': 'C-1042', diversion: '<sip:+14155550111@carrier>' } });
    const plan = await taken(request);
    expect(isUuid(plan.sessionId)).toBe(true);
    expect(plan).toMatchObject({
      workspaceId: gateway.workspaceId, botId, botVersion: 1, direction: 'inbound', toNumber: DID, fromNumber: '+14155550177', maxDurationMs: 600_000, record: true,
      variables: { x_customer_id: 'C-1042', diversion: '<sip:+14155550111@carrier>', sip_call_id: request.sipCallId },
      trunk: { trunkId, username: 'u', password: 'secret' }, bot: { openingMessage: 'Hello {{crm.name}}' },
    });
    expect(plan).not.toHaveProperty('announcement');
    const listed = await gateway.get(`/api/v1/calls/${plan.sessionId}`);
    expect(listed.body).toMatchObject({ status: 'accepted', direction: 'inbound', caller_id: '+14155550177', from_number: '+14155550177', to_number: DID });
  });

  it('is found in To when the carrier calls the Contact of a registration', async () => {
    expect((await taken(call({ calledUser: 'acct', alsoCalled: ['nobody', DID] }))).toNumber).toBe(DID);
  });

  it.each(['14155550100', '4155550100', '0014155550100', '+1-415-555-0100', '%2B14155550100', '+14155550100;npdi=yes'])('is known when the carrier writes %s', async (calledUser) => {
    expect((await taken(call({ calledUser }))).toNumber).toBe(DID);
  });

  it.each([['', 'anonymous'], ['anonymous', 'anonymous'], ['4155550177', '+14155550177'], ['alice', 'alice']])('from %j shows %s as its customer', async (callerUser, expected) => {
    const { sessionId } = await taken(call({ callerUser }));
    expect((await gateway.get(`/api/v1/calls/${sessionId}`)).body).toMatchObject({ caller_id: expected, from_number: expected });
  });

  it('goes to who added the number first, where workspaces share a carrier', async () => {
    const { workspaceId, key } = await gateway.neighbour();
    const theirs = (path: string, body: object): Promise<{ status: number; body: Record<string, unknown> }> => gateway.post(path, body, { key });
    const settings = { name: 'Same carrier', host: '127.0.0.1', transport: 'udp', default_from_number: '+14155550100' };
    const older = (await theirs('/api/v1/trunks', settings)).body.trunk_id as string;
    const bot = (await theirs('/api/v1/bots', { name: 'Theirs', opening_message: 'Hi' })).body.bot_id as string;
    const younger = await gateway.trunk();
    const add = (wanted: string): Promise<{ status: number }> => theirs('/api/v1/numbers', { number: wanted, trunk_id: older, bot_id: bot });
    await number(younger, botId, '+14155550151');
    expect((await add('+14155550151')).status).toBe(201);
    expect((await add('+14155550152')).status).toBe(201);
    await number(younger, botId, '+14155550152');
    const answeredBy = async (calledUser: string): Promise<string> => (await taken(call({ calledUser, trunkIds: [older, younger] }))).workspaceId;
    expect([await answeredBy('+14155550151'), await answeredBy('+14155550152')]).toEqual([gateway.workspaceId, workspaceId]);
  });

  it('runs the present version of the bot', async () => {
    const bot = await gateway.bot();
    await number(trunkId, bot, '+14155550122');
    await gateway.ask('PATCH', `/api/v1/bots/${bot}`, { body: { opening_message: 'Welcome' } });
    expect(await taken(call({ calledUser: '+14155550122' }))).toMatchObject({ botVersion: 2, bot: { openingMessage: 'Welcome' } });
  });
});

describe('a call that is not taken', () => {
  it('is for nobody here: 404', async () => {
    const other = await gateway.trunk();
    for (const change of [{ calledUser: '+14155550999' }, { calledUser: '' }, { calledUser: '"; DROP TABLE calls' }, { trunkIds: [other] }, { trunkIds: [] }, { trunkIds: ['nonsense'] }]) {
      expect(await decide(call(change))).toEqual({ action: 'refuse', sipStatus: 404, reason: 'Not Found' });
    }
  });

  it('comes over a trunk that is put away, or for a bot that is: 404', async () => {
    const [gone, bot] = [await gateway.trunk(), await gateway.bot()];
    await number(gone, botId, DID);
    await number(trunkId, bot, '+14155550133');
    await gateway.ask('DELETE', `/api/v1/trunks/${gone}`);
    await gateway.ask('DELETE', `/api/v1/bots/${bot}`);
    expect(await decide(call({ trunkIds: [gone] }))).toMatchObject({ sipStatus: 404 });
    expect(await decide(call({ calledUser: '+14155550133' }))).toMatchObject({ sipStatus: 404 });
  });

  it('comes outside the hours: 480 with when to try again, or the announcement', async () => {
    const [mute, speaking] = [await gateway.bot(hours(['tue'])), await gateway.bot(hours(['tue'], { closed_message: 'We are closed, {{call.caller_id}}.' }))];
    await number(trunkId, mute, '+14155550141');
    await number(trunkId, speaking, '+14155550142');
    expect(await decide(call({ calledUser: '+14155550141' }))).toEqual({ action: 'refuse', sipStatus: 480, reason: 'Outside Active Hours', retryAfterSeconds: 23 * 3600 });
    expect((await taken(call({ calledUser: '+14155550142' }))).announcement).toBe('We are closed, {{call.caller_id}}.');
  });

  it.each([['max_calls', { max_calls: 1 }], ['max_cps', { max_cps: 1 }]])('is one too many for the trunk (%s): 503', async (_name, limit) => {
    const narrow = await gateway.trunk(limit);
    await number(narrow, botId, DID);
    const answers = await Promise.all([decide(call({ trunkIds: [narrow] })), decide(call({ trunkIds: [narrow] }))]);
    expect(answers.map((answer) => answer.action).sort()).toEqual(['refuse', 'take']);
    expect(answers.find((answer) => answer.action === 'refuse')).toMatchObject({ sipStatus: 503, retryAfterSeconds: expect.any(Number) });
  });
});

describe('the same INVITE asked twice', () => {
  const rows = (sipCallId: string): Promise<number> => gateway.database.call.count({ where: { variables: { path: ['sip_call_id'], equals: sipCallId } } });

  it('is one call, even at once', async () => {
    const request = call();
    const plans = await Promise.all([taken(request), taken(request), taken(request)]);
    expect(new Set(plans.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(plans[1]).toEqual(plans[0]);
    expect(await rows(request.sipCallId)).toBe(1);
  });

  it('stays with the worker that has it, and goes over to another when that one is lost', async () => {
    const request = call();
    const { sessionId } = await taken(request);
    await gateway.database.call.update({ where: { id: sessionId }, data: { state: 'ringing', workerId: 'w-1', workerEpoch: 'e-1' } });
    expect(await decide({ ...request, workerId: 'w-2', epoch: 'e-2' })).toMatchObject({ action: 'refuse', sipStatus: 482 });
    expect((await taken(request)).sessionId).toBe(sessionId);
    gateway.fleet.views = [workerView({ status: 'unreachable' })];
    expect((await taken({ ...request, workerId: 'w-2', epoch: 'e-2' })).sessionId).toBe(sessionId);
    await gateway.database.call.update({ where: { id: sessionId }, data: { state: 'ended' } });
    expect(await decide(request)).toMatchObject({ action: 'refuse', sipStatus: 482 });
  });

  it('goes to one worker only, even when two ask at once, and to the next when the first never took it', async () => {
    const request = call();
    const other = { ...request, workerId: 'w-2', epoch: 'e-2' };
    const answers = await Promise.all([decide(request), decide(other), decide(request), decide(other)]);
    const takers = new Set(answers.map((answer, i) => (answer.action === 'take' ? i % 2 : -1)).filter((who) => who >= 0));
    expect(takers.size).toBe(1);
    expect(answers.filter((answer) => answer.action === 'refuse')).toEqual([expect.objectContaining({ sipStatus: 503 }), expect.objectContaining({ sipStatus: 503 })]);
    gateway.clock.advance(5_000);
    const loser = takers.has(0) ? other : request;
    expect((await decide(loser)).action).toBe('take');
    expect(await rows(request.sipCallId)).toBe(1);
  });

  it('is another call with another From tag', async () => {
    const request = call();
    expect((await taken(request)).sessionId).not.toBe((await taken({ ...request, fromTag: 'g' })).sessionId);
  });
});

describe('what header fields become', () => {
  it('is bounded and harmless', () => {
    expect(inboundVariables({ 'x-a': 'b\r\n c\0', 'x__proto__': 'no', 'bad name': 'no', 'x-empty': '' })).toEqual({ x_a: 'b  c', x_empty: '' });
    expect(Object.keys(inboundVariables(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, 'v'])))).length).toBe(64);
    expect(JSON.stringify(inboundVariables(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`x-${i}`, 'v'.repeat(1000)])))).length).toBeLessThan(17_000);
  });
});
