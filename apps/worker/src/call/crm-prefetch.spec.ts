import { callScope, renderTemplate, type BotSettings, type PrefetchSettings } from '@dialfleet/bot';
import type { CallPlan } from '@dialfleet/call';
import { VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import type { CallTimeline } from './call-timeline.js';
import { CrmPrefetch, type HttpReply, type HttpSend } from './crm-prefetch.js';
import { testSettings } from './pipeline-testing.js';

type Request = Parameters<HttpSend>[0];

/** One pre-fetch: what was asked, what came of it, and what the timeline says. */
async function prefetch(settings: Partial<PrefetchSettings>, reply: HttpReply | Error, variables: Record<string, string> = {}) {
  const requests: Request[] = [];
  const events: Record<string, unknown>[] = [];
  const send: HttpSend = (request) => { requests.push(request); return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply); };
  const plan = {
    sessionId: 's-1', botId: 'bot_1', direction: 'outbound', toNumber: '+14155550123', fromNumber: '+14155550100', acceptedAt: '2026-01-05T10:00:00.000Z', variables,
    bot: { ...testSettings, prefetch: { url: 'https://crm.example/lookup', method: 'POST', headers: { 'x-token': 't' }, timeoutMs: 3000, ...settings } },
  } as unknown as CallPlan<BotSettings>;
  const timeline = { add: (_type: string, data: Record<string, unknown>) => { events.push(data); } } as unknown as CallTimeline;
  const fields = await new CrmPrefetch(send, new VirtualClock()).fetch(plan, timeline, new AbortController().signal);
  return { fields, requests, events };
}
const json = (value: unknown): HttpReply => ({ status: 200, body: JSON.stringify(value) });

describe('the CRM pre-fetch', () => {
  it('sends what is known of the call, and nothing but the URL by GET', async () => {
    const { requests: [post] } = await prefetch({}, json({}), { lead: '7' });
    expect(post).toMatchObject({ method: 'POST', url: 'https://crm.example/lookup', timeoutMs: 3000, headers: { 'content-type': 'application/json', 'x-token': 't' } });
    expect(JSON.parse(post.body as string)).toEqual({
      session_id: 's-1', bot_id: 'bot_1', direction: 'outbound', caller_id: '+14155550123', to_number: '+14155550123', from_number: '+14155550100', variables: { lead: '7' },
    });
    const { requests: [get] } = await prefetch({ method: 'GET' }, json({}));
    expect([get.method, get.body, get.headers]).toEqual(['GET', undefined, { 'x-token': 't' }]);
  });

  it('writes values into the URL encoded, from nested variables too; nothing where there is no value', async () => {
    const { requests: [{ url }] } = await prefetch({ url: 'https://crm.example/{{crm.id}}/{{crm.address.city}}?to={{call.to_number}}&x={{crm.nope}}' }, json({}), { id: 'a/b?c', address: '{"city":"São Paulo"}' });
    expect(url).toBe('https://crm.example/a%2Fb%3Fc/S%C3%A3o%20Paulo?to=%2B14155550123&x=');
  });

  it('keeps the JSON types of what comes back; null is spoken as nothing', async () => {
    const customer = { name: 'Ada', score: 3, vip: true, tags: ['a'], address: { zip: 8010 }, middle: null };
    const { fields, events } = await prefetch({ responsePath: 'data.customer' }, json({ data: { customer } }));
    expect(fields).toEqual(customer);
    expect(events).toEqual([expect.objectContaining({ ok: true, status: 200, fields: 6 })]);
    const facts = { sessionId: 's', botId: 'b', callerId: 'c', toNumber: 't', fromNumber: 'f', direction: 'outbound', startedAt: 'now' };
    const scope = callScope(facts, {}, fields, 0, 'UTC');
    expect(renderTemplate('{{crm.name}} {{crm.middle}}|{{crm.score}}|{{crm.vip}}|{{crm.tags}}|{{crm.address.zip}}', scope).text).toBe('Ada |3|true|["a"]|8010');
  });

  it.each<[string, HttpReply | Error, Record<string, unknown>]>([
    ['an error status', { status: 500, body: '{"name":"x"}' }, { ok: false, status: 500 }],
    ['a redirect', { status: 302, body: '' }, { ok: false, status: 302 }],
    ['text', { status: 200, body: 'hello' }, { ok: false, error: 'the response is not a JSON object' }],
    ['a list', json([1]), { ok: false, error: 'the response is not a JSON object' }],
    ['null', json(null), { ok: false, error: 'the response is not a JSON object' }],
    ['no answer', new Error('no complete answer within 3000 ms'), { ok: false, error: 'no complete answer within 3000 ms' }],
  ])('%s: the call goes on without it, and the timeline says so', async (_name, reply, told) => {
    const { fields, events } = await prefetch({}, reply);
    expect(fields).toEqual({});
    expect(events).toEqual([expect.objectContaining(told)]);
  });

  it('finds nothing where the response path leads nowhere', async () => {
    expect((await prefetch({ responsePath: 'data.nobody' }, json({ data: {} }))).fields).toEqual({});
  });

  it('is skipped on request', async () => {
    const { fields, requests, events } = await prefetch({}, json({ name: 'x' }), { _skip_prefetch: 'true' });
    expect([fields, requests, events]).toEqual([{}, [], []]);
  });
});
