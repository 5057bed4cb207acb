import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LoggerFactory } from 'sip.js/lib/core/log/logger-factory.js';
import type { IncomingRequestMessage } from 'sip.js/lib/core/messages/incoming-request-message.js';
import { OutgoingRequestMessage } from 'sip.js/lib/core/messages/outgoing-request-message.js';
import type { ResponseOptions } from 'sip.js/lib/core/messages/outgoing-response.js';
import { Parser } from 'sip.js/lib/core/messages/parser.js';
import { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import { URI } from 'sip.js/lib/grammar/uri.js';
import { UnsafeSipValueError } from './header-safety.js';
import { applySipJsPatches } from '../sip-js/sip-js-patches.js';
import { wireFault } from './wire-guard.js';

applySipJsPatches();
const breaking = fc.constantFrom('\r', '\n', '\r\n', '\0', '\r\nX-Evil: 1', '\r\n\r\nv=0', '\n ');
const around = fc.string({ unit: 'binary', maxLength: 10 });
const poisoned = fc.tuple(around, breaking, around).map(([before, poison, after]) => `a${before}${poison}${after}b`);
const ruri = new URI('sip', 'b', 'example.com');

describe('a request of ours', () => {
  const places: Record<string, (value: string) => OutgoingRequestMessage> = {
    'an extra header': (value) => new OutgoingRequestMessage('INVITE', ruri, ruri, ruri, {}, [`X-Note: ${value}`]),
    'the user agent': (value) => new OutgoingRequestMessage('INVITE', ruri, ruri, ruri, { userAgentString: value }),
    'the Call-ID': (value) => new OutgoingRequestMessage('INVITE', ruri, ruri, ruri, { callId: value }),
    'a tag': (value) => new OutgoingRequestMessage('INVITE', ruri, ruri, ruri, { fromTag: value }),
    'the display name': (value) => new OutgoingRequestMessage('INVITE', ruri, ruri, ruri, { fromDisplayName: value }),
    'a route': (value) => new OutgoingRequestMessage('INVITE', ruri, ruri, ruri, { routeSet: [`<sip:${value}>`] }),
    'the host': (value) => new OutgoingRequestMessage('INVITE', new URI('sip', 'b', value), ruri, ruri, {}),
    'a URI parameter': (value) => new OutgoingRequestMessage('INVITE', new URI('sip', 'b', 'example.com', undefined, { x: value }), ruri, ruri, {}),
    'the content type': (value) => new OutgoingRequestMessage('INVITE', ruri, ruri, ruri, {}, [], { contentDisposition: 'session', contentType: value, content: 'x' }),
  };

  it.each(Object.keys(places))('never leaves with a line break in %s', (place) => {
    fc.assert(fc.property(poisoned, (value) => { expect(() => places[place](value).toString()).toThrow(UnsafeSipValueError); }));
  });

  it('leaves when all is well, and passes the last look', () => {
    const text = places['an extra header']('fine').toString().replace('Via: \r\n', 'Via: SIP/2.0/UDP a;branch=z9hG4bKx\r\n');
    expect(wireFault(text)).toBeUndefined();
    expect(text).toContain('X-Note: fine');
  });
});

describe('a response of ours', () => {
  const request = Parser.parseMessage('OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n',
    new LoggerFactory().getLogger('test')) as IncomingRequestMessage;
  const sent: string[] = [];
  const core = { configuration: { userAgentHeaderFieldValue: 'test', supportedOptionTagsResponse: [] }, transport: { send: (text: string) => { sent.push(text); return Promise.resolve(); } } };
  const reply = (options: ResponseOptions): void => { UserAgentCore.prototype.replyStateless.call(core as unknown as UserAgentCore, request, options); };
  const places: Record<string, (value: string) => ResponseOptions> = {
    'the reason phrase': (reasonPhrase) => ({ statusCode: 200, reasonPhrase }), 'an extra header': (value) => ({ statusCode: 200, extraHeaders: [`X-Note: ${value}`] }),
    'the tag': (toTag) => ({ statusCode: 200, toTag }), 'the content type': (contentType) => ({ statusCode: 200, body: { contentDisposition: 'session', contentType, content: 'x' } }),
  };

  it.each(Object.keys(places))('never leaves with a line break in %s', (place) => {
    fc.assert(fc.property(poisoned, (value) => { expect(() => { reply(places[place](value)); }).toThrow(UnsafeSipValueError); }));
    expect(sent).toEqual([]);
  });

  it('leaves when all is well, and passes the last look', () => {
    reply({ statusCode: 200, reasonPhrase: 'Fine', extraHeaders: ['X-Note: fine'] });
    expect(wireFault(sent[0])).toBeUndefined();
    expect(sent[0]).toMatch(/^SIP\/2\.0 200 Fine\r\n[^]*\r\nX-Note: fine\r\n/);
  });
});

describe('the last look', () => {
  const message = (change: (lines: string[]) => string[], body = ''): string =>
    `${change(['OPTIONS sip:a@b SIP/2.0', 'Via: SIP/2.0/UDP a;branch=z9hG4bKx', 'CSeq: 1 OPTIONS', `Content-Length: ${Buffer.byteLength(body)}`]).join('\r\n')}\r\n\r\n${body}`;

  it('lets whole messages pass, requests and responses, bodies in any script', () => {
    expect(wireFault(message((lines) => lines, 'v=0\r\ns=дa\r\n'))).toBeUndefined();
    expect(wireFault(message(([, ...rest]) => ['SIP/2.0 200 OK', ...rest]))).toBeUndefined();
  });

  it.each<[string, (lines: string[]) => string[]]>([
    ['a bare line feed', (lines) => [...lines, 'X: a\nY: b']], ['a bare carriage return', (lines) => [...lines, 'X: a\rY: b']], ['a NUL', (lines) => [...lines, 'X: \0']],
    ['a line that is no header', (lines) => [...lines, 'nothing']], ['a folded line', (lines) => [...lines, 'X: a', ' b']], ['no start line', ([, ...rest]) => rest],
    ['two lengths', (lines) => [...lines, 'Content-Length: 0']], ['no length', (lines) => lines.slice(0, -1)], ['a wrong length', (lines) => [...lines.slice(0, -1), 'l: 7']],
  ])('stops %s', (_what, change) => { expect(wireFault(message(change))).toEqual(expect.any(String)); });
});
