import { describe, expect, it } from '@jest/globals';
import { OwnAddress } from './own-address.js';
import { scanMessage, type WireMessage } from '../message/wire.js';

const scanned = (text: string): WireMessage => {
  const message = scanMessage(text);
  if (!message) throw new Error('not scanned');
  return message;
};
const invite = (contact: string): string => ['INVITE sip:bob@carrier.test SIP/2.0', 'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport', `Contact: ${contact}`, 'CSeq: 1 INVITE', '', ''].join('\r\n');

function address(host = '192.0.2.1'): OwnAddress {
  const own = new OwnAddress(host);
  own.listening('udp', 5060);
  own.listening('tcp', 5060);
  return own;
}

describe('OwnAddress', () => {
  it('names the port where we listen, else our end of the connection, and no place at all for a WebSocket client', () => {
    const own = address();
    expect([own.sentBy({ transport: 'tcp', localPort: 40_000 }), own.sentBy({ transport: 'tls', localPort: 40_000 }), own.sentBy({ transport: 'tls' })]).toEqual(['192.0.2.1:5060', '192.0.2.1:40000', '192.0.2.1']);
    expect(own.sentBy({ transport: 'wss', localPort: 40_000 })).toMatch(/^[0-9a-f]{16}\.invalid$/);
    own.listening('wss', 8443);
    expect(own.contactPart({ transport: 'wss', localPort: 40_000 })).toBe('192.0.2.1:8443;transport=wss');
  });

  it('writes Via and Contact for the way that a request takes, and leaves the branch', () => {
    const text = address().withOwnNames(scanned(invite('"Bot" <sip:dialfleet@192.0.2.1:5060>;+sip.x')), { transport: 'tls', localPort: 40_001 });
    expect(text).toContain('\r\nVia: SIP/2.0/TLS 192.0.2.1:40001;branch=z9hG4bKa\r\n');
    expect(text).toContain('\r\nContact: "Bot" <sip:dialfleet@192.0.2.1:40001;transport=tls>;+sip.x\r\n');
    expect(address().withOwnNames(scanned(text), { transport: 'udp' })).toContain('<sip:dialfleet@192.0.2.1:5060>;+sip.x');
  });

  it('leaves what is right, and what is not ours', () => {
    const right = invite('<sip:dialfleet@192.0.2.1:5060>');
    expect(address().withOwnNames(scanned(right), { transport: 'udp' })).toBe(right);
    const foreign = invite('<sip:other@192.0.2.100:5060>');
    expect(address().withContact(foreign, { transport: 'tcp' })).toBe(foreign);
    expect(address().withContact(invite('*'), { transport: 'tcp' })).toBe(invite('*'));
  });

  it('can keep the Contact of another way: a large request of a UDP trunk goes by TCP', () => {
    const text = address().withOwnNames(scanned(invite('<sip:dialfleet@192.0.2.1:5060>')), { transport: 'tcp' }, { transport: 'udp' });
    expect(text).toContain('Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKa\r\n');
    expect(text).toContain('Contact: <sip:dialfleet@192.0.2.1:5060>\r\n');
  });

  it('has brackets round IPv6', () => {
    expect(address('[2001:db8::1]').withContact(invite('<sip:dialfleet@[2001:db8::1]:5060>'), { transport: 'tcp' })).toContain('<sip:dialfleet@[2001:db8::1]:5060;transport=tcp>');
  });
});
