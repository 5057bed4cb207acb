import { firstOf, type RawMessage } from './raw-message.js';

/** What RFC 3261 §25.1 has no place for in a reason phrase. */
const NOT_IN_PHRASE = /[^A-Za-z0-9\-_.!~*'();/?:@&=+$,\t \u0080-\uffff]/g;
const MEDIA_TYPE = /^[A-Za-z0-9\-.!*_+]+\s*\/\s*[A-Za-z0-9\-.!*_+]+\s*(?:;|$)/;
/** Nobody reads it in a response, and sip.js drops the message over a bad one. */
const UNREAD = 'refer-to';

/** A 2xx to an INVITE. */
export const isAnswer = (raw: RawMessage): boolean => /^SIP\/2\.0 2/i.test(raw.startLine) && /\sINVITE$/.test(firstOf(raw, 'cseq') ?? '');

/**
 * A response that could not be parsed, with ever less in it that may be the cause. `invited`: the request URI of its INVITE.
 * Only the answer to an INVITE needs a Contact (RFC 3261 §12.1.1): who took the call is where we called him.
 */
export function* mendedResponses(raw: RawMessage, invited: string | undefined): Generator<RawMessage> {
  const body = MEDIA_TYPE.test(firstOf(raw, 'content-type') ?? '') ? raw.body : '';
  const ofBody = body === '' ? ['content-type', 'content-length'] : [];
  const headers = raw.headers.filter(({ name }) => name !== UNREAD && !ofBody.includes(name));
  const [, status = '', phrase = ''] = /^SIP\/2\.0 (\d{3})(.*)$/i.exec(raw.startLine) ?? [];
  const plain = { ...raw, body, startLine: `SIP/2.0 ${status} ${phrase.replace(NOT_IN_PHRASE, ' ').trim()}`, headers };
  const needsContact = isAnswer(raw) && invited !== undefined;
  if (!needsContact || firstOf(raw, 'contact') !== undefined) yield plain;
  for (const lost of [['contact'], ['contact', 'record-route']]) {
    const left = headers.filter(({ name }) => !lost.includes(name));
    yield { ...plain, headers: needsContact ? [...left, { name: 'contact', value: `<${invited}>` }] : left };
  }
}
