import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalText, firstOf, MAX_HEADER_LINES, readRawMessage, tokensOf, transactionBranch, valuesOf, type RawMessage } from './raw-message.js';

const read = (lines: string[], body = ''): RawMessage | undefined => readRawMessage(`${lines.join('\r\n')}\r\n\r\n${body}`);

describe('the lines of a message', () => {
  it('are cut at their colons, unfolded, with long names', () => {
    const message = read(['INVITE sip:a@b SIP/2.0', 'v : SIP/2.0/UDP', '\t192.0.2.1;branch=x', 'K: timer, 100rel', 'Supported: replaces', 's:'], 'v=0\r\n\r\n') as RawMessage;
    expect(message).toMatchObject({ startLine: 'INVITE sip:a@b SIP/2.0', body: 'v=0\r\n\r\n', irregular: true });
    expect(message.headers).toMatchObject([
      { name: 'via', value: 'SIP/2.0/UDP 192.0.2.1;branch=x' }, { name: 'supported', value: 'timer, 100rel' }, { name: 'supported', value: 'replaces' }, { name: 'subject', value: '' },
    ]);
    expect(tokensOf(message, 'supported')).toEqual(['timer', '100rel', 'replaces']);
    expect(valuesOf(message, 'subject')).toEqual(['']);
    expect(firstOf(message, 'to')).toBeUndefined();
  });

  it('say whether the text may go on as it is', () => { expect(read(['OPTIONS sip:a SIP/2.0', 'Via: x', 'To: y'])?.irregular).toBe(false); });

  it.each([
    ['no end of the headers', 'OPTIONS sip:a SIP/2.0\r\nVia: x\r\n'], ['no start line', '\r\nVia: x\r\n\r\n'], ['a line without a colon', 'OPTIONS sip:a SIP/2.0\r\nVia\r\n\r\n'],
    ['a name that is no token', 'OPTIONS sip:a SIP/2.0\r\nV(a: x\r\n\r\n'], ['a folded start line', 'OPTIONS sip:a\r\n SIP/2.0\r\n\r\n'],
    ['absurdly many', `OPTIONS sip:a SIP/2.0\r\n${'X: y\r\n'.repeat(MAX_HEADER_LINES + 1)}\r\n`],
  ])('are not read where there is %s', (_what, text) => { expect(readRawMessage(text)).toBeUndefined(); });

  it('read the same again once canonical', () => {
    const line = fc.tuple(fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}[ \t]?$/), fc.array(fc.stringMatching(/^[!-~]{1,20}$/), { minLength: 1, maxLength: 3 }))
      .map(([name, parts]) => `${name}: ${parts.join('\r\n ')}`);
    fc.assert(fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), (lines) => {
      const message = read(['OPTIONS sip:a SIP/2.0', ...lines]) as RawMessage;
      const again = readRawMessage(canonicalText(message)) as RawMessage;
      expect(again.headers.map(({ name, value }) => [name, value])).toEqual(message.headers.map(({ name, value }) => [name, value]));
      expect(again.irregular).toBe(false);
    }));
  });
});

describe('the transaction of a request', () => {
  const name = (start: string, via: string, ...more: string[]): string => transactionBranch(read([start, `Via: ${via}`, 'From: <sip:a@b>;tag=t', 'Call-ID: c', 'CSeq: 7 X', ...more]) as RawMessage);
  const via = 'SIP/2.0/UDP Host:5070;branch=z9hG4bKx';

  it('is named by branch, sender and method, ACK and CANCEL as their INVITE (RFC 3261 §17.2.3)', () => {
    const invite = name('INVITE sip:a SIP/2.0', via);
    expect(name('ACK sip:a SIP/2.0', via)).toBe(invite);
    expect(name('CANCEL sip:a SIP/2.0', via.replace('Host', 'host'))).toBe(invite);
    expect(name('BYE sip:a SIP/2.0', via)).not.toBe(invite);
    expect(name('INVITE sip:a SIP/2.0', via.replace('5070', '5071'))).not.toBe(invite);
  });

  it.each(['SIP/2.0/UDP h', 'SIP/2.0/UDP h;branch=z9hG4bK', 'SIP/2.0/UDP h;branch=1'])('is named by all that is compared where the branch says nothing: %s', (old) => {
    const invite = name('INVITE sip:a SIP/2.0', old);
    expect(name('ACK sip:a SIP/2.0', old, 'To: <sip:b>;tag=9')).toBe(invite);
    expect(name('INVITE sip:b SIP/2.0', old)).not.toBe(invite);
    expect(transactionBranch(read(['INVITE sip:a SIP/2.0', `Via: ${old}`, 'From: <sip:a@b>;tag=t', 'Call-ID: c', 'CSeq: 8 X']) as RawMessage)).not.toBe(invite);
  });
});
