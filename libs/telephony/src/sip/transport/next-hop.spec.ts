import { describe, expect, it } from '@jest/globals';
import { destinationOf, nextHopOf, parseNextHop, staysOnAim, strictlyRouted, type NextHop } from './next-hop.js';
import type { SipTarget } from '../locate/sip-target.js';
import { scanMessage } from '../message/wire.js';

const bye = 'BYE sip:bob@10.0.0.9:5070 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5062;branch=z9hG4bKa;rport\r\nMax-Forwards: 70\r\nCSeq: 7 BYE\r\n\r\n';
const hop = (text: string): NextHop | undefined => {
  const message = scanMessage(text);
  if (!message) throw new Error('not scanned');
  return nextHopOf(message);
};
const target = (over: Partial<SipTarget> = {}): SipTarget => ({ transport: 'tcp', address: '192.0.2.7', port: 5060, hostname: 'sbc.example', ...over });
const stays = (uri: string, aimed: SipTarget): boolean => {
  const next = parseNextHop(uri);
  if (!next) throw new Error(`no URI: ${uri}`);
  return staysOnAim(next, aimed);
};

describe('nextHopOf', () => {
  it('is the request URI, or the first Route, never a Route in the body', () => {
    expect(hop(bye)).toMatchObject({ host: '10.0.0.9', port: 5070 });
    expect(hop(bye.replace('Max-', 'Route: <sip:proxy.example:5080;transport=tls;lr>, <sip:b;lr>\r\nMax-'))).toEqual({ host: 'proxy.example', port: 5080, transport: 'tls', secure: false });
    expect(hop(bye.replace('Max-', 'Route: "One, Two" <sip:proxy.example;lr>\r\nMax-'))).toMatchObject({ host: 'proxy.example' });
    expect(hop(`${bye}Route: <sip:evil>`)).toMatchObject({ host: '10.0.0.9' });
  });

  it.each([
    ['<sip:a:b@h;lr>', { host: 'h', secure: false }], ['sip:[2001:db8::1]:5081', { host: '2001:db8::1', port: 5081, secure: false }],
    ['sips:a@h;transport=TCP', { host: 'h', transport: 'tcp', secure: true }], ['sip:a@h;transport=sctp', { host: 'h', secure: false }],
    ['sip:a@h;transport=ws', { host: 'h', transport: 'ws', secure: false }], ['tel:+1', undefined],
  ])('%s', (uri, expected) => { expect(parseNextHop(uri)).toEqual(expected); });
});

describe('strictlyRouted', () => {
  const routed = (routes: string): string => {
    const message = scanMessage(bye.replace('Max-', `${routes}Max-`));
    if (!message) throw new Error('not scanned');
    return strictlyRouted(message).text;
  };

  it('puts a router without lr into the request URI, and the far end last (RFC 3261 §12.2.1.1)', () => {
    const text = routed('Route: "A, b" <sip:old.example:5080;x=1>;y=z\r\nRoute: <sip:b;lr>, <sip:c>\r\n');
    expect(text.split('\r\n')[0]).toBe('BYE sip:old.example:5080;x=1 SIP/2.0');
    expect(text.match(/Route: .*/g)).toEqual(['Route: <sip:b;lr>', 'Route: <sip:c>', 'Route: <sip:bob@10.0.0.9:5070>']);
    expect([text.includes('\r\n\r\n'), scanMessage(text)?.branch]).toEqual([true, 'z9hG4bKa']);
  });

  it.each(['', 'Route: <sip:new.example;lr>\r\n', 'Route: <sip:new.example;lr=on;ftag=1>, <sip:old>\r\n', 'Route: <sip:new.example;transport=tcp;LR>\r\n'])('leaves all else as it is: %j', (routes) => {
    expect(routed(routes)).toBe(bye.replace('Max-', `${routes}Max-`));
  });
});

describe('staysOnAim', () => {
  it('holds for the same place, by address or by name, with the port or its default', () => {
    expect(stays('sip:192.0.2.7;transport=tcp', target())).toBe(true);
    expect(stays('sip:x@SBC.example:5060', target())).toBe(true);
    expect(stays('sip:192.0.2.7:5070', target())).toBe(false);
    expect(stays('sip:192.0.2.7;transport=udp', target())).toBe(false);
    expect(stays('sip:192.0.2.8', target())).toBe(false);
    expect(stays('sip:192.0.2.7;transport=tls', target({ transport: 'tls', port: 5061 }))).toBe(true);
  });

  it('holds for whom only the connection reaches (RFC 7118 §5)', () => {
    expect(stays('sip:x@df7jal23ls0d.invalid;transport=ws', target({ transport: 'ws', port: 80 }))).toBe(true);
    expect(stays('sip:x@192.0.2.9;transport=ws', target({ transport: 'wss', port: 443 }))).toBe(true);
  });

  it.each(['10.1.2.3', '192.168.0.9', '172.31.0.1', '100.64.1.1', '127.0.0.1', '0.0.0.0', '[fd00::5]', '[fe80::1]'])('holds for a peer behind a NAT that names %s', (host) => {
    expect(stays(`sip:x@${host}:5060`, target({ transport: 'udp' }))).toBe(true);
    expect(stays(`sip:x@${host}:5062`, target({ transport: 'udp', address: '10.0.0.1', hostname: '10.0.0.1' }))).toBe(false);
  });

  it.each(['172.32.0.1', '100.128.0.1', '11.0.0.1', '192.169.0.1', '[2001:db8::5]', 'fc00.example'])('not for %s', (host) => {
    expect(stays(`sip:x@${host}:5060`, target({ transport: 'udp' }))).toBe(false);
  });

  it('never lays a call over TLS open', () => {
    expect(stays('sip:192.0.2.9:5060;transport=udp', target({ transport: 'tls', port: 5061 }))).toBe(true);
    expect(stays('sip:192.0.2.9:5061;transport=tls', target({ transport: 'tls', port: 5061 }))).toBe(false);
  });
});

describe('destinationOf', () => {
  const of = (uri: string, aimed?: SipTarget): unknown => destinationOf(parseNextHop(uri) as NextHop, aimed, 'udp');

  it('has the default port for an address, and none for a name, which may have SRV records', () => {
    expect(of('sip:192.0.2.9')).toEqual({ host: '192.0.2.9', port: 5060, transport: 'udp' });
    expect(of('sip:pbx.example;transport=tcp')).toEqual({ host: 'pbx.example', transport: 'tcp' });
    expect(of('sips:192.0.2.9;transport=tcp')).toEqual({ host: '192.0.2.9', port: 5061, transport: 'tls' });
  });

  it('keeps the authorities and the client certificate of a call over TLS, not its server name', () => {
    expect(of('sip:192.0.2.9', target({ transport: 'tls', tls: { ca: 'CA', serverName: 'a' } }))).toEqual({ host: '192.0.2.9', port: 5061, transport: 'tls', tls: { ca: 'CA', serverName: undefined } });
  });
});
