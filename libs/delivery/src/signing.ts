import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** The three headers of Standard Webhooks 1.0 (https://www.standardwebhooks.com). */
export type SignatureHeaders = { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string };

/**
 * Signs `id.timestamp.body` with HMAC-SHA256, once for each secret (`whsec_` + base64): two during rotation, so that
 * receivers with either accept. `body` must be the exact text that is sent.
 */
export function signatureHeaders(message: { id: string; timestampMs: number; body: string; secrets: readonly string[] }): SignatureHeaders {
  if (message.secrets.length === 0) throw new Error('a message needs at least one signing secret');
  const timestamp = new Date(message.timestampMs);
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(message.timestampMs / 1000)),
    'webhook-signature': message.secrets.map((secret) => new Webhook(secret).sign(message.id, timestamp, message.body)).join(' '),
  };
}

/** A new signing secret: 32 random bytes. */
export const newSigningSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/**
 * The `webhook-id`: one per result and endpoint, stable over retries and replays. An amended result is another message:
 * `amendment` counts from 1.
 */
export const messageId = (sessionId: string, endpointId: string, amendment = 0): string =>
  `msg_${sessionId}_${endpointId}${amendment === 0 ? '' : `_a${amendment}`}`;
