import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UnsafeSipValueError } from '../message/header-safety.js';
import { identityHeaders, parseProxy, proxyRoute, requestUri, trunkDestination, type CallerIdentity } from './invite-headers.js';

const caller = (trunk: CallerIdentity['trunk'] = {}, displayName?: string): CallerIdentity => ({ trunk, number: '+14155550100', displayName, localHost: '192.0.2.5' });
const fromOf = (identity: CallerIdentity): string => identityHeaders(identity).from.toString();

describe('who is calling', () => {
  it('is the number at the trunk\'s domain, else at our own address', () => {
    expect(fromOf(caller({ fromDomain: 'bots.example' }))).toBe('sip:+14155550100@bots.example');
    expect(fromOf(caller())).toBe('sip:+14155550100@192.0.2.5');
    expect(fromOf({ ...caller(), localHost: '2001:db8::5' })).toBe('sip:+14155550100@[2001:db8::5]');
  });

  it.each([
    ['none', []], ['p_asserted_identity', ['P-Asserted-Identity: "Ann \\"A\\" Bot" <sip:+14155550100@192.0.2.5>']],
    ['p_preferred_identity', ['P-Preferred-Identity: "Ann \\"A\\" Bot" <sip:+14155550100@192.0.2.5>']],
    ['remote_party_id', ['Remote-Party-ID: "Ann \\"A\\" Bot" <sip:+14155550100@192.0.2.5>;party=calling;screen=yes;privacy=off']],
  ] as const)('asserted by %s', (identityHeader, headers) => {
    expect(identityHeaders(caller({ identityHeader }, 'Ann "A" Bot'))).toMatchObject({ displayName: 'Ann \\"A\\" Bot', headers });
  });

  it.each([
    ['p_asserted_identity', 'P-Asserted-Identity: <sip:+14155550100@192.0.2.5>'], ['remote_party_id', 'Remote-Party-ID: <sip:+14155550100@192.0.2.5>;party=calling;screen=yes;privacy=full'],
  ] as const)('withheld is anonymous in From, and %s tells the trunk alone', (identityHeader, header) => {
    const { from, displayName, headers } = identityHeaders(caller({ identityHeader, privacy: true }));
    expect([from.toString(), displayName, headers]).toEqual(['sip:anonymous@anonymous.invalid', 'Anonymous', [header, 'Privacy: id']]);
  });

  it('withheld without an identity header names nobody', () => {
    expect(JSON.stringify(identityHeaders(caller({ privacy: true }, 'Ann')).headers)).toBe('["Privacy: id"]');
  });

  it('never breaks out of its line', () => {
    const identityHeader = fc.constantFrom('p_asserted_identity' as const, 'p_preferred_identity' as const, 'remote_party_id' as const);
    fc.assert(fc.property(fc.string(), fc.string(), fc.option(fc.string(), { nil: undefined }), identityHeader, fc.boolean(), (number, displayName, fromDomain, header, privacy) => {
      try {
        const { headers, from } = identityHeaders({ trunk: { fromDomain, identityHeader: header, privacy }, number, displayName, localHost: '192.0.2.5' });
        for (const line of [...headers, from.toString()]) expect(line).not.toMatch(/[\r\n\0]/);
        // Outside of quotes there is one address and no more.
        expect(headers[0].replace(/"(?:[^"\\]|\\.)*"/g, '').match(/[<>]/g)).toHaveLength(2);
      } catch (error) {
        expect(error).toBeInstanceOf(UnsafeSipValueError);
      }
    }), { numRuns: 300 });
  });
});

describe('where a request goes', () => {
  it('by the trunk\'s host, or by its outbound proxy', () => {
    expect(trunkDestination({ host: 'trunk.example', port: 5070, transport: 'udp' })).toEqual({ host: 'trunk.example', port: 5070, transport: 'udp' });
    expect(trunkDestination({ host: 'trunk.example', port: 5070, transport: 'tls', outboundProxy: 'proxy.example', tls: { ca: 'x' } })).toEqual({ host: 'proxy.example', transport: 'tls', tls: { ca: 'x' } });
  });

  it.each([
    ['proxy.example', { host: 'proxy.example' }, '<sip:proxy.example;transport=tls;lr>'], ['proxy.example:5080', { host: 'proxy.example', port: 5080 }, '<sip:proxy.example:5080;transport=tls;lr>'],
    ['[2001:db8::1]:5080', { host: '2001:db8::1', port: 5080 }, '<sip:[2001:db8::1]:5080;transport=tls;lr>'], ['2001:db8::1', { host: '2001:db8::1' }, '<sip:[2001:db8::1];transport=tls;lr>'],
  ])('loose-routes over %s', (text, proxy, route) => {
    expect(parseProxy(text)).toEqual(proxy);
    expect(proxyRoute(parseProxy(text), 'tls')).toBe(route);
    expect(proxyRoute(parseProxy(text), 'udp')).not.toContain('transport');
  });

  it.each(['', 'a b', 'proxy:0', 'proxy:99999', 'proxy:5060;lr', 'x>\r\nVia: y', '[::1', 'sip:proxy'])('refuses %j as a proxy', (text) => {
    expect(() => parseProxy(text)).toThrow(UnsafeSipValueError);
  });

  it('the request URI keeps the trunk\'s host and names its transport', () => {
    expect(requestUri('+1415#1', { host: 'trunk.example', port: 5061, transport: 'tls' }).toString()).toBe('sip:+1415%231@trunk.example:5061;transport=tls');
    expect(requestUri('100', { host: '2001:db8::1', transport: 'udp' }).toString()).toBe('sip:100@[2001:db8::1]');
  });
});
