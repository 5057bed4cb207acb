import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { redirection, type RedirectPolicy } from './redirect-contacts.js';

const trunk: RedirectPolicy = { host: 'trunk.example', port: 5070, transport: 'udp', redirectHosts: ['backup.example', '192.0.2.9', '2001:db8::9'] };
const followed = (values: string[], over: Partial<RedirectPolicy> = {}): string[] => redirection(values, { ...trunk, ...over }).contacts.map(({ uri }) => uri.toString());

describe('the contacts of a 3xx', () => {
  it('are followed by q, then in the order they stand in, from one header field or several', () => {
    expect(followed(['<sip:c@trunk.example>;q=0.1, <sip:a@trunk.example>', '"B, b" <sip:b@backup.example>;expires=60;q=0.5', 'sip:d@192.0.2.9;q=0.05']))
      .toEqual(['sip:a@trunk.example', 'sip:b@backup.example', 'sip:c@trunk.example', 'sip:d@192.0.2.9']);
  });

  it('lead only to hosts that the trunk allows, however those are written', () => {
    expect(redirection(['<sip:a@TRUNK.example>, <sip:b@trunk.example.evil.example>, <sip:c@[2001:db8::9]:5080>, <sip:trunk.example@evil.example>', '<sip:x@203.0.113.1>'], trunk))
      .toMatchObject({ contacts: [{ destination: { host: 'trunk.example', port: 5070 } }, { destination: { host: '2001:db8::9', port: 5080 } }], barred: ['trunk.example.evil.example', 'evil.example', '203.0.113.1'] });
  });

  it.each([['*'], ['tel:+14155550100'], ['<mailto:a@trunk.example>'], ['<sip:>'], ['garbage'], ['']])('%j leads nowhere', (value) => { expect(followed([value])).toEqual([]); });

  it('lose what would send the request elsewhere or put words into it', () => {
    expect(followed(['<sip:a@trunk.example;user=phone;maddr=203.0.113.1;method=BYE?Subject=x&Replaces=y>'])).toEqual(['sip:a@trunk.example;user=phone']);
  });

  it('keep the protection of the trunk', () => {
    expect(followed(['<sip:a@trunk.example;transport=udp>, <sip:b@trunk.example;transport=tcp>, <sip:c@trunk.example>, <sips:d@trunk.example>'], { transport: 'tls' }))
      .toEqual(['sip:b@trunk.example;transport=tcp', 'sip:c@trunk.example', 'sips:d@trunk.example']);
    const { contacts } = redirection(['<sip:b@backup.example;transport=tcp>'], { ...trunk, transport: 'tls', tls: { serverName: 'trunk.example', ca: 'x' } });
    expect(contacts[0].destination).toEqual({ host: 'backup.example', transport: 'tls', tls: { ca: 'x', serverName: undefined } });
  });

  it('may ask for another transport where the trunk has none to protect', () => {
    expect(redirection(['<sip:a@trunk.example;transport=tcp>'], trunk).contacts[0].destination).toEqual({ host: 'trunk.example', transport: 'tcp' });
    expect(followed(['<sip:a@trunk.example;transport=sctp>'])).toEqual([]);
  });

  it('are reached over the outbound proxy where there is one', () => {
    expect(redirection(['<sip:a@backup.example:5099>'], { ...trunk, outboundProxy: 'proxy.example' }).contacts[0].destination).toEqual({ host: 'proxy.example', transport: 'udp' });
  });

  it('never throw, and never lead to a host that is not allowed', () => {
    const value = fc.oneof(fc.string(), fc.tuple(fc.constantFrom('sip', 'sips', 'tel', 'SIP'), fc.string(), fc.constantFrom('trunk.example', 'evil.example', '[::1]'), fc.string()).map(([scheme, user, host, rest]) => `<${scheme}:${user}@${host}${rest}>`));
    fc.assert(fc.property(fc.array(value, { maxLength: 4 }), (values) => {
      for (const { uri } of redirection(values, trunk).contacts) expect(['trunk.example', 'backup.example', '192.0.2.9', '[2001:db8::9]']).toContain(uri.host.toLowerCase());
    }), { numRuns: 1000 });
  });
});
