import { describe, expect, it } from '@jest/globals';
import { annotateVia, headerValues, responseRoute, scanMessage, splitJoinedVia, viaParameter, viaSentBy, withVia, type WireMessage } from './wire.js';

const lines = (...text: string[]): string => `${text.join('\r\n')}\r\n\r\n`;
const scanned = (text: string): WireMessage => {
  const message = scanMessage(text);
  if (!message) throw new Error('not scanned');
  return message;
};
const invite = lines('INVITE sip:bob@10.0.0.9:5070 SIP/2.0', 'Via: SIP/2.0/UDP 10.0.0.2:5062;branch=z9hG4bKa;rport', 'Max-Forwards: 70', 'CSeq: 7 INVITE');

describe('scanMessage', () => {
  it('finds what a request is and its top Via', () => {
    expect(scanned(invite)).toMatchObject({ method: 'INVITE', requestUri: 'sip:bob@10.0.0.9:5070', status: undefined, cseqMethod: 'INVITE', branch: 'z9hG4bKa', via: 'SIP/2.0/UDP 10.0.0.2:5062;branch=z9hG4bKa;rport' });
  });

  it('finds what a response is, compact and folded headers too', () => {
    expect(scanned(lines('SIP/2.0 486 Busy Here', 'v: SIP/2.0/UDP h:1', ' ;branch=z9hG4bKb', 'cseq: 1  INVITE'))).toMatchObject({ status: 486, branch: 'z9hG4bKb', cseqMethod: 'INVITE' });
  });

  it.each(['', 'hello', 'INVITE sip:x SIP/2.0', lines('INVITE sip:x SIP/2.0', 'CSeq: 1 INVITE'), lines('INVITE sip:x SIP/2.0', 'Via: SIP/2.0/UDP x'), lines('INVITE sip:x SIP/3.0', 'Via: SIP/2.0/UDP x', 'CSeq: 1 INVITE')])('refuses %j', (text) => {
    expect(scanMessage(text)).toBeUndefined();
  });
});

describe('Via', () => {
  it('is marked with the real source, whatever the sender claims (RFC 3581 §4)', () => {
    expect(annotateVia('SIP/2.0/UDP 10.0.0.2:5062;branch=z;rport;received=6.6.6.6', { address: '10.0.0.2', port: 40_000 }))
      .toBe('SIP/2.0/UDP 10.0.0.2:5062;branch=z;rport=40000;received=10.0.0.2');
  });

  it('gets received only where host and source differ, when rport was not asked for (RFC 3261 §18.2.1)', () => {
    expect(annotateVia('SIP/2.0/UDP 10.0.0.2;branch=z', { address: '10.0.0.2', port: 5060 })).toBe('SIP/2.0/UDP 10.0.0.2;branch=z');
    expect(annotateVia('SIP/2.0/UDP pbx.local;branch=z', { address: '10.0.0.2', port: 5060 })).toBe('SIP/2.0/UDP pbx.local;branch=z;received=10.0.0.2');
  });

  it('names the connection inwards only, and a forged one is dropped', () => {
    const marked = annotateVia('SIP/2.0/TCP 10.0.0.2;branch=z;x-flow=99', { address: '10.0.0.2', port: 5060, flow: '3' });
    expect(viaParameter(marked, 'x-flow')).toBe('3');
    expect(responseRoute(marked)).toEqual({ host: '10.0.0.2', port: 5060, flow: '3', via: 'SIP/2.0/TCP 10.0.0.2;branch=z' });
  });

  it('gives the way back: received and rport, else the port of sent-by, else 5060', () => {
    expect(responseRoute('SIP/2.0/UDP h:5070;rport=9;received=1.2.3.4')).toMatchObject({ host: '1.2.3.4', port: 9 });
    expect(responseRoute('SIP/2.0/UDP h:5070;received=1.2.3.4')).toMatchObject({ host: '1.2.3.4', port: 5070 });
    expect(responseRoute('SIP/2.0/UDP [2001:db8::1]')).toMatchObject({ host: '2001:db8::1', port: 5060 });
  });

  it('reads sent-by with odd spaces', () => {
    expect(viaSentBy('SIP / 2.0 / UDP first.example.com: 4000;ttl=16')).toEqual({ host: 'first.example.com', port: 4000 });
  });

  it('is split when two stand in one header field', () => {
    const joined = invite.replace(';rport', ';rport, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKinner');
    const split = splitJoinedVia(scanned(joined));
    expect(headerValues(split, 'Via')).toEqual(['SIP/2.0/UDP 10.0.0.2:5062;branch=z9hG4bKa;rport', 'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKinner']);
    expect(splitJoinedVia(scanned(invite))).toBe(invite);
  });

  it('is replaced in place', () => {
    expect(withVia(scanned(invite), 'X')).toBe(invite.replace('SIP/2.0/UDP 10.0.0.2:5062;branch=z9hG4bKa;rport', 'X'));
  });
});

describe('headerValues', () => {
  it('leaves one of several', () => {
    const text = lines('SIP/2.0 401 U', 'WWW-Authenticate: Digest a="1",', ' b="2"', 'Via: x', 'www-authenticate: Digest c');
    expect(headerValues(text, 'WWW-Authenticate')).toEqual(['Digest a="1", b="2"', 'Digest c']);
  });
});
