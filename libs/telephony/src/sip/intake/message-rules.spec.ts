import { describe, expect, it } from '@jest/globals';
import { isCredibleResponse, requestFault } from './message-rules.js';
import { readRawMessage, type RawMessage } from '../message/raw-message.js';

const usual: Record<string, string> = {
  Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx', From: '"A" <sip:a@example.com>;tag=1', To: '<sip:b@example.com>', 'Call-ID': 'c@d', CSeq: '1 INVITE', 'Max-Forwards': '70',
  Contact: '<sip:a@192.0.2.1>', 'Content-Type': 'application/sdp', 'Content-Length': '5',
};
type Change = Record<string, string | undefined>;
function request(change: Change = {}, { start = 'INVITE sip:b@example.com SIP/2.0', body = 'v=0\r\n', more = [] as string[] } = {}): RawMessage {
  const lines = Object.entries({ ...usual, ...change }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return readRawMessage([start, ...lines, ...more, '', body].join('\r\n')) as RawMessage;
}
const status = (message: RawMessage): number | undefined => requestFault(message)?.statusCode;

describe('a request', () => {
  it('that is in order goes on', () => { expect(requestFault(request())).toBeUndefined(); });
  it('may lack Max-Forwards, Contact and Content-Length', () => { expect(requestFault(request({ 'Max-Forwards': undefined, Contact: undefined, 'Content-Length': undefined }))).toBeUndefined(); });
  it('may have Max-Forwards 0: the end of the way is no proxy (RFC 4475 §3.3.11)', () => { expect(requestFault(request({ 'Max-Forwards': '0' }))).toBeUndefined(); });

  it.each(['Via', 'From', 'To', 'Call-ID', 'CSeq'])('needs %s', (name) => { expect(status(request({ [name]: undefined }))).toBe(400); });
  it.each(['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Length', 'Content-Type'])('has one %s', (name) => {
    expect(status(request({}, { more: [`${name}: ${usual[name]}`] }))).toBe(400);
  });
  it.each(['2 BYE', 'INVITE', '1', '4294967296 INVITE', '-1 INVITE', '1 invite'])('has a CSeq that fits, not %j', (cseq) => { expect(status(request({ CSeq: cseq }))).toBe(400); });
  it.each(['256', '-1', 'many', ''])('has a Max-Forwards that is a number, not %j', (value) => { expect(status(request({ 'Max-Forwards': value }))).toBe(400); });
  it.each(['6', '-5', '5 5', 'x'])('has the body that Content-Length says, not %j', (value) => { expect(status(request({ 'Content-Length': value }))).toBe(400); });
  it.each(['"A <sip:a@b>;tag=1', '<sip:a@b;tag=1', '<<sip:a@b>>;tag=1', 'sip:a@b>;tag=1'])('has closed quotes and brackets, not %j', (from) => { expect(status(request({ From: from }))).toBe(400); });
  it.each(['\0', '\x07', '\x7f', '\n', '\r'])('has no control character such as %j', (character) => { expect(status(request({ Subject: `a${character}b` }))).toBe(400); });
  it('may have one behind a backslash, in quotes', () => { expect(requestFault(request({ From: '"A\\\0" <sip:a@example.com>;tag=1' }))).toBeUndefined(); });

  it.each([
    ['INVITE  sip:b@example.com SIP/2.0', 400], ['INVITE sip:b@example.com SIP/2.0 ', 400], ['INVITE sip:b@example.com; lr SIP/2.0', 400], ['INVITE <sip:b@example.com> SIP/2.0', 400],
    ['INVITE sip:b@example.com?Route=x SIP/2.0', 400], ['INVITE sip:b@example.com SIP/7.0', 505], ['INVITE mailto:b@example.com SIP/2.0', 416], ['INVITE tel:+14155550100 SIP/2.0', undefined],
    ['INVITE sips:b@example.com SIP/2.0', undefined],
  ])('with the request line %j gets %s', (start, expected) => { expect(status(request({}, { start }))).toBe(expected); });

  it('with an unknown method gets 501 and Allow, with one that is not ours 405 and Allow', () => {
    const unknown = requestFault(request({ CSeq: '1 NEWMETHOD' }, { start: 'NEWMETHOD sip:b@example.com SIP/2.0' }));
    expect(unknown).toMatchObject({ statusCode: 501, extraHeaders: [expect.stringMatching(/^Allow: .*INVITE/)] });
    const register = requestFault(request({ CSeq: '1 REGISTER' }, { start: 'REGISTER sip:example.com SIP/2.0' }));
    expect(register).toMatchObject({ statusCode: 405, extraHeaders: [expect.stringMatching(/^Allow: /)] });
  });

  it('with a field, or fields together, too long for the grammar is refused; others may be long', () => {
    expect(status(request({ To: `"${'x'.repeat(2000)}" <sip:b@example.com>` }))).toBe(400);
    expect(status(request({}, { more: Array.from({ length: 4 }, () => `Record-Route: <sip:${'x'.repeat(1000)}@proxy.example.com;lr>`) }))).toBe(400);
    expect(status(request({ Via: `SIP/2.0/UDP h;branch=z9h${'\t'.repeat(1000)}x` }))).toBe(400);
    expect(status(request({ Subject: 'x'.repeat(5000) }))).toBeUndefined();
    expect(status(request({}, { more: Array.from({ length: 8 }, (_, i) => `Record-Route: <sip:proxy${i}.example.com;lr;${'x'.repeat(100)}>`) }))).toBeUndefined();
  });

  it('that requires what we cannot do gets 420 with its name, but not CANCEL and ACK', () => {
    expect(requestFault(request({ Require: 'foo, bar', 'Proxy-Require': 'baz' }))).toMatchObject({ statusCode: 420, extraHeaders: ['Unsupported: foo, bar'] });
    expect(requestFault(request({ Require: 'foo', CSeq: '1 ACK' }, { start: 'ACK sip:b@example.com SIP/2.0' }))).toBeUndefined();
  });

  it('is refused for a body that is no session description, or an answer that none may be', () => {
    expect(status(request({ 'Content-Type': 'application/unknown' }))).toBe(415);
    expect(status(request({ 'Content-Type': 'application/unknown', 'Content-Disposition': 'session;handling=optional' }))).toBeUndefined();
    expect(status(request({ 'Content-Type': undefined }))).toBe(400);
    expect(status(request({ 'Content-Encoding': 'gzip' }))).toBe(415);
    expect(status(request({ Accept: 'text/plain' }))).toBe(406);
    expect(status(request({ Accept: 'text/plain, application/sdp;level=1' }))).toBeUndefined();
    expect(status(request({ 'Content-Type': undefined, 'Content-Length': '0' }, { body: '' }))).toBeUndefined();
  });
});

describe('a response', () => {
  const response = (start: string, change: Change = {}): boolean => isCredibleResponse(request(change, { start }));
  it('is believed when it is one', () => { expect([response('SIP/2.0 200 OK'), response('SIP/2.0 180 '), response('SIP/2.0 180')]).toEqual([true, true, true]); });
  it.each(['SIP/2.0 4294967301 better not', 'SIP/2.0 099 Low', 'SIP/3.0 200 OK', 'SIP/2.0 20 OK'])('is dropped when it begins %j', (start) => { expect(response(start)).toBe(false); });
  it('is dropped with a CSeq out of range, with a method of nobody, or two of what there is one of', () => {
    expect(response('SIP/2.0 200 OK', { CSeq: '1 INVITE__proto__' })).toBe(false);
    expect(response('SIP/2.0 200 OK', { CSeq: '9292394834772304023312 INVITE' })).toBe(false);
    expect(response('SIP/2.0 200 OK', { CSeq: '1 INVITEX' })).toBe(false);
    expect(isCredibleResponse(request({}, { start: 'SIP/2.0 200 OK', more: ['Call-ID: other'] }))).toBe(false);
  });
});
