import { createHmac, randomBytes } from 'node:crypto';
import { getReasonPhrase } from 'sip.js/lib/core/messages/utils.js';
import type { Refusal } from './message-rules.js';
import { firstOf, valuesOf, type RawMessage } from '../message/raw-message.js';
import { annotateVia, responseRoute, type Peer } from '../message/wire.js';

/** Other processes must not be able to guess our tags; the same request gets the same tag (RFC 3261 §8.2.7). */
const tagKey = randomBytes(16);

/**
 * The answer of a stateless server (RFC 3261 §8.2.6, §8.2.7) to a request that may be too broken for a parser: what it has
 * of Via, From, To, Call-ID and CSeq comes back as it was. `via`: the topmost, with where the request came from.
 */
export function statelessReply(request: RawMessage, source: Peer, { statusCode, reasonPhrase, extraHeaders }: Refusal, userAgent: string): { text: string; via: string } {
  const [top = '', ...others] = valuesOf(request, 'via').flatMap((value) => value.split(','));
  const via = annotateVia(top.trim(), source);
  const lines = [`SIP/2.0 ${statusCode} ${reasonPhrase ?? getReasonPhrase(statusCode)}`, `Via: ${responseRoute(via)?.via ?? top}`, ...others.map((other) => `Via: ${other.trim()}`)];
  const from = firstOf(request, 'from');
  const to = firstOf(request, 'to');
  const callId = firstOf(request, 'call-id');
  if (from !== undefined) lines.push(`From: ${from}`);
  if (to !== undefined) lines.push(`To: ${/;\s*tag\s*=/i.test(to) ? to : `${to};tag=${tagOf(request)}`}`);
  if (callId !== undefined) lines.push(`Call-ID: ${callId}`);
  lines.push(`CSeq: ${firstOf(request, 'cseq') ?? ''}`, `User-Agent: ${userAgent}`, ...extraHeaders ?? [], 'Content-Length: 0');
  return { text: `${lines.join('\r\n')}\r\n\r\n`, via };
}

const tagOf = (request: RawMessage): string =>
  createHmac('sha256', tagKey).update(['via', 'from', 'call-id', 'cseq'].map((name) => firstOf(request, name) ?? '').join('\n')).digest('hex').slice(0, 12);
