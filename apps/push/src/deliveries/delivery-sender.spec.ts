import { beforeEach, describe, expect, it } from '@jest/globals';
import { SecretBox, type AttemptRecord, type ClaimedDelivery } from '@dialfleet/database';
import { newSigningSecret, type AttemptVerdict } from '@dialfleet/delivery';
import { EgressError, type EgressResponse } from '@dialfleet/egress';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { DeliverySender, type HttpSend } from './delivery-sender.js';
import { pushRequest } from './push-request.js';

const box = new SecretBox(randomBytes(32));
const [current, previous] = [newSigningSecret(), newSigningSecret()];
const claimed: ClaimedDelivery = {
  id: 'dlv_1', workspace_id: 'ws_1', session_id: 's', endpoint_id: 'ep_1', message_id: 'msg_s_ep_1', event_type: 'call.result', body: '{"a":1}', attempt: 1, fence: 1,
  per_second: null, url: 'https://crm.example.com/in', headers: box.sealJson({ 'X-Tenant': 'acme' }), auth_scheme: 'bearer', auth: box.sealJson({ scheme: 'bearer', token: 't0k' }),
  secret: box.seal(current), previous_secret: null, previous_secret_expires_at: null,
};
const answer = (status: number, headers: Record<string, string> = {}): EgressResponse => ({ status, headers, body: Buffer.from('thanks'), truncated: false });

describe('push request', () => {
  it('carries the body\'s signature, auth and configured headers, and logs no secret', () => {
    const { headers, loggedHeaders, url } = pushRequest(claimed, box, 'Dialfleet/1', Date.now());
    expect(url).toBe('https://crm.example.com/in');
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Dialfleet/1', 'x-tenant': 'acme', authorization: 'Bearer t0k', 'webhook-id': 'msg_s_ep_1', 'x-dialfleet-event': 'call.result' });
    expect(new Webhook(current).verify(claimed.body, headers)).toEqual({ a: 1 });
    expect(Object.keys(loggedHeaders).sort()).toEqual(Object.keys(headers).sort());
    expect(JSON.stringify(loggedHeaders)).not.toMatch(/t0k|acme/);
  });
  it('signs with both secrets while a rotation lasts', () => {
    const now = Date.now();
    const rotating = (expiresAt: Date | null): string => pushRequest({ ...claimed, previous_secret: box.seal(previous), previous_secret_expires_at: expiresAt }, box, 'x', now).headers['webhook-signature'];
    expect(rotating(new Date(now + 1000)).split(' ')).toHaveLength(2);
    expect(rotating(new Date(now - 1000)).split(' ')).toHaveLength(1);
  });
  it('lets no configured header replace the signature', () => {
    const { headers } = pushRequest({ ...claimed, headers: box.sealJson({ 'Webhook-Signature': 'v1,forged', 'Webhook-Id': 'x' }) }, box, 'x', Date.now());
    expect(new Webhook(current).verify(claimed.body, headers)).toEqual({ a: 1 });
  });
});

describe('delivery sender', () => {
  const clock = new VirtualClock();
  let finished: { record: AttemptRecord; verdict: AttemptVerdict }[];
  let failures: number;
  beforeEach(() => { finished = []; failures = 0; });

  const attempt = (send: HttpSend, delivery = claimed): Promise<void> => new DeliverySender({
    deliveries: { finish: async (_claimed, record, verdict) => { if (failures-- > 0) throw new Error('away'); finished.push({ record, verdict }); return true; } },
    send, box, userAgent: 'Dialfleet/1', clock, logger: silentLogger, random: () => 0.5,
  }).attempt(delivery, clock.nowMs() + 30_000);

  it('posts the frozen body once, within 15 s, and records the exchange', async () => {
    const sent: Parameters<HttpSend>[0][] = [];
    await attempt(async (request) => { sent.push(request); return answer(204, { server: 'x' }); });
    expect(sent).toEqual([expect.objectContaining({ method: 'POST', url: claimed.url, body: '{"a":1}', timeoutMs: 15_000 })]);
    expect(finished).toEqual([{ verdict: expect.objectContaining({ state: 'delivered' }), record: expect.objectContaining({ status: 204, responseHeaders: { server: 'x' }, responseBody: 'thanks' }) }]);
    expect(finished[0].record.requestHeaders['authorization']).toBe('********');
  });
  it.each<[string, HttpSend, Partial<AttemptVerdict>]>([
    ['a refusal', async () => answer(500), { state: 'retry_wait', error: 'answered 500' }],
    ['a plea for patience', async () => answer(429, { 'retry-after': '3600' }), { state: 'retry_wait', nextAttemptAtMs: clock.nowMs() + 3_600_000 }],
    ['a blocked address', () => Promise.reject(new EgressError('blocked_address', 'crm.example.com is not a public address')), { state: 'retry_wait', error: 'crm.example.com is not a public address' }],
    ['a farewell', async () => answer(410), { state: 'held', disableEndpoint: true }],
  ])('%s', async (_name, send, verdict) => {
    await attempt(send);
    expect(finished[0].verdict).toMatchObject(verdict);
  });
  it('counts unreadable secrets as a failed attempt, without sending', async () => {
    await attempt(() => { throw new Error('must not send'); }, { ...claimed, secret: 'v1.broken' });
    expect(finished[0].verdict).toMatchObject({ state: 'retry_wait', error: expect.stringContaining('DIALFLEET_SECRET_KEY') as unknown as string });
  });
  it('tries a test once', async () => {
    await attempt(async () => answer(500), { ...claimed, event_type: 'test' });
    expect(finished[0].verdict.state).toBe('dead');
  });
  it('records the attempt when the database is back', async () => {
    failures = 3;
    const done = attempt(async () => answer(200));
    await clock.advanceAsync(5000, 50);
    await done;
    expect(finished).toHaveLength(1);
  });
  it('lets go when the lease has run out', async () => {
    failures = 1000;
    const done = attempt(async () => answer(200));
    await clock.advanceAsync(60_000, 500);
    await done;
    expect(finished).toEqual([]);
  });
});
