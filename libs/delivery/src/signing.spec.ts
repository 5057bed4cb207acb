import { describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { messageId, newSigningSecret, signatureHeaders } from './signing.js';

const body = JSON.stringify({ text: 'naïve — 漢字 😀' });

describe('signing', () => {
  it('is verified by the Standard Webhooks library, with either secret of a rotation', () => {
    const [current, previous] = [newSigningSecret(), newSigningSecret()];
    const headers = signatureHeaders({ id: 'msg_1', timestampMs: Date.now(), body, secrets: [current, previous] });
    for (const secret of [current, previous]) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(newSigningSecret()).verify(body, headers)).toThrow();
    expect(() => new Webhook(current).verify(`${body} `, headers)).toThrow();
  });
  it('is HMAC-SHA256 of id.timestamp.body', () => {
    const secret = newSigningSecret();
    const headers = signatureHeaders({ id: 'msg_1', timestampMs: 1_767_607_200_999, body, secrets: [secret] });
    const hmac = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64')).update(`msg_1.1767607200.${body}`).digest('base64');
    expect(headers).toEqual({ 'webhook-id': 'msg_1', 'webhook-timestamp': '1767607200', 'webhook-signature': `v1,${hmac}` });
  });
  it('refuses to send unsigned', () => {
    expect(() => signatureHeaders({ id: 'm', timestampMs: 0, body, secrets: [] })).toThrow('secret');
  });
  it('names messages by session and endpoint; an amendment is another message', () => {
    expect(messageId('s', 'ep_1')).toBe('msg_s_ep_1');
    expect(messageId('s', 'ep_1', 2)).toBe('msg_s_ep_1_a2');
  });
  it('makes secrets of 256 bits', () => {
    expect(Buffer.from(newSigningSecret().slice(6), 'base64')).toHaveLength(32);
    expect(newSigningSecret()).not.toBe(newSigningSecret());
  });
});
