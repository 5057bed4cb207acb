import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fastParse, fastRules, pegParse, splitAtCommas } from './fast-grammar.js';

/** Property order, absent against undefined, and the PEG's reversed positions do not count; nor do leftovers of the PEG's
 * backtracking that nothing reads (`host_type`, `password`). */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value as Record<string, unknown>)
    .filter(([key, v]) => v !== undefined && key !== 'host_type' && key !== 'password' && !(key === 'params' && Object.values(v as object).every((x) => x === undefined)))
    .map(([key, v]) => [key, normal(v)] as const);
  const object = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  if (typeof object.position === 'number' && typeof object.offset === 'number') {
    [object.position, object.offset] = [object.position, object.offset].sort((a, b) => (a as number) - (b as number));
  }
  return object;
}

const samples: [rule: string, text: string][] = [
  ['Via', 'SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKabc;rport=5;received=1.1.1.1;ttl=3;foo=bar'],
  ['Via', 'SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKabc;rport'],
  ['Via', 'SIP/2.0/TCP sip.example.com;rport=5060;branch=z9hG4bK-1.2;received=10.1.2.3'],
  ['Via', 'SIP/2.0/WSS a.invalid;branch=z9hG4bK1'],
  ['Via', 'SIP/2.0/UDP [2001:db8::1]:5060;branch=z9;rport'],
  ['Via', 'SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1'],
  ['From', '"Bob" <sip:+1@1.1.1.1>;tag=abc;x=y'],
  ['From', 'sip:bob@x;tag=1'],
  ['From', 'Bob Smith <sips:bob@X.com>;tag=A'],
  ['From', '"A \\"q\\" B" <sip:b@x>;tag=1'],
  ['From', '"" <sip:b@x>;tag=1'],
  ['From', '<sip:b@x>;tag'],
  ['To', '<sip:+1@1.1.1.1:5070;transport=TCP;lr>'],
  ['To', '<sip:a%20b@x>'],
  ['To', '<sip:a:secret@b.c>'],
  ['To', '<sip:a@b;user=phone;maddr=1.2.3.4;lr=on;ttl=4;transport=UDP;X=Y>;Tag=AbC;foo="q x"'],
  ['To', '<sip:a@1.2.3.400>'],
  ['To', '<sip:a@b?Subject=x&Priority=urgent>'],
  ['Contact', '<sip:a@b;lr>;expires=4, <sip:c@d>'],
  ['Contact', 'sip:a@b:5;q=0.2'],
  ['Contact', '<sip:a@b>,<sip:c@d;ob>'],
  ['Contact', '*'],
  ['Record_Route', '<sip:a@b;lr>,<sip:c@d;lr=on>'],
  ['Record_Route', '<sip:10.1.1.1;r2=on;lr>'],
  ['Record_Route', 'sip:10.1.1.1;lr'],
  ['CSeq', '12 INVITE'], ['CSeq', '12  INVITE'], ['CSeq', 'x INVITE'],
  ['Content_Length', '120'], ['Content_Length', '-1'], ['Max_Forwards', '70'], ['Max_Forwards', '300'],
  ['Content_Type', 'application/sdp'], ['Content_Type', 'Application/SDP;charset=utf-8'], ['Content_Type', 'multipart/mixed;boundary=x'],
  ['Call_ID', 'a@b'], ['Call_ID', 'f81d4fae-7dec-11d0'], ['Call_ID', 'a b'],
  ['Request_Response', 'INVITE sip:+1@10.0.0.1:5060;transport=udp SIP/2.0'],
  ['Request_Response', 'INVITE sip:+1;npdi@x;user=PHONE SIP/2.0'],
  ['Request_Response', 'BYE sip:10.0.0.1 SIP/2.0'],
  ['Request_Response', 'INVITE sip:a@b SIP/3.0'],
  ['Request_Response', 'SIP/2.0 180 Ringing'], ['Request_Response', 'SIP/2.0 200 '], ['Request_Response', 'SIP/2.0 99 No'],
  ['Refer_To', '<sip:a@b?Replaces=x%3Bto-tag%3D1>'],
];

describe('fastParse', () => {
  it.each(samples)('%s %j reads as the PEG parser reads it', (rule, text) => {
    expect(normal(fastParse(text, rule))).toEqual(normal(pegParse(text, rule)));
  });

  it('answers the headers of an ordinary call without the PEG parser', () => {
    const ordinary: [string, string][] = [
      ['Request_Response', 'INVITE sip:+14155550123@10.0.0.1:5060 SIP/2.0'], ['Request_Response', 'SIP/2.0 200 OK'],
      ['Via', 'SIP/2.0/UDP 10.0.0.2:5060;rport=5060;received=10.0.0.2;branch=z9hG4bKabc'],
      ['From', '"Bot" <sip:+1@1.1.1.1>;tag=abc'], ['To', '<sip:+1@1.1.1.1;user=phone>;tag=1'],
      ['Contact', '<sip:a@10.0.0.1:5060;transport=udp;ob>'], ['Record_Route', '<sip:10.0.0.9;r2=on;lr=on;ftag=7>'],
      ['CSeq', '1 INVITE'], ['Call_ID', 'abc@host'], ['Content_Length', '200'], ['Content_Type', 'application/sdp'], ['Max_Forwards', '70'],
      ['WWW_Authenticate', 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'], ['Proxy_Authenticate', 'complete nonsense, "'],
    ];
    for (const [rule, text] of ordinary) expect([text, fastRules[rule](text)]).toEqual([text, expect.anything()]);
  });

  it('reads a tel: URI, for which the PEG parser gives no URI', () => {
    const parsed = fastParse('INVITE tel:+1-415-555-0123;phone-context=x SIP/2.0', 'Request_Response') as { uri: { user: string; host: string } };
    expect([parsed.uri.user, parsed.uri.host]).toEqual(['+14155550123', 'tel.invalid']);
    expect(normal(fastParse('<tel:+1>;tag=2', 'From'))).toMatchObject({ parameters: { tag: '2' }, uri: { raw: { user: '+1' } } });
  });

  const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,8}$/);
  const userPart = fc.oneof(fc.stringMatching(/^\+?[0-9]{1,15}$/), fc.stringMatching(/^[A-Za-z0-9\-_.!~*'()&=+$,;?/%:#]{1,10}$/));
  const host = fc.oneof(fc.ipV4(), fc.domain(), fc.ipV6().map((ip) => `[${ip}]`), fc.stringMatching(/^[A-Za-z0-9.-]{1,12}$/));
  const port = fc.option(fc.integer({ min: 0, max: 99999 }));
  const parameterName = fc.oneof(token, fc.constantFrom('lr', 'transport', 'user', 'method', 'ttl', 'maddr', 'tag', 'q', 'expires', 'branch', 'rport', 'received', '__proto__', 'constructor'));
  const parameters = fc.array(fc.tuple(parameterName, fc.option(fc.oneof(token, fc.ipV4(), fc.integer({ min: 0, max: 999 }).map(String), fc.constant('"a;b,c"')))), { maxLength: 4 })
    .map((list) => list.map(([k, v]) => (v === null ? `;${k}` : `;${k}=${v}`)).join(''));
  const uri = fc.tuple(fc.constantFrom('sip', 'sips', 'SIP', 'http'), fc.option(userPart), host, port, parameters, fc.option(token))
    .map(([scheme, u, h, p, ps, hs]) => `${scheme}:${u === null ? '' : `${u}@`}${h}${p === null ? '' : `:${p}`}${ps}${hs === null ? '' : `?${hs}=${hs}`}`);
  const displayName = fc.oneof(fc.constant(''), token, fc.tuple(token, token).map((t) => t.join(' ')), fc.string({ maxLength: 8 }).map((s) => `"${s}"`), fc.string({ maxLength: 6 }));
  const nameAddr = fc.oneof(
    fc.tuple(displayName, fc.constantFrom('', ' '), uri, parameters).map(([d, s, u, p]) => `${d}${s}<${u}>${p}`),
    fc.tuple(uri, parameters).map(([u, p]) => `${u}${p}`));
  const via = fc.tuple(fc.constantFrom('UDP', 'TCP', 'TLS', 'ws', 'X-1'), host, port, parameters)
    .map(([t, h, p, ps]) => `SIP/2.0/${t} ${h}${p === null ? '' : `:${p}`}${ps}`);
  const startLine = fc.oneof(
    fc.tuple(fc.constantFrom('INVITE', 'BYE', 'FOO', 'invite'), uri).map(([m, u]) => `${m} ${u} SIP/2.0`),
    fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.string({ maxLength: 12 })).map(([c, r]) => `SIP/2.0 ${c} ${r}`));
  const anyText = fc.oneof(
    fc.tuple(fc.constantFrom('From', 'To', 'Refer_To'), nameAddr), fc.tuple(fc.constantFrom('Contact', 'Record_Route'), fc.array(nameAddr, { minLength: 1, maxLength: 3 }).map((l) => l.join(', '))),
    fc.tuple(fc.constant('Via'), via), fc.tuple(fc.constant('Request_Response'), startLine),
    fc.tuple(fc.constantFrom('CSeq', 'Call_ID', 'Content_Length', 'Max_Forwards', 'Content_Type'), fc.oneof(fc.string({ maxLength: 16 }), token, fc.nat().map(String))));
  /** One edit in the style of a fuzzer: cut, insert, repeat. */
  const mutation = fc.record({ at: fc.nat(80), kind: fc.constantFrom('none', 'cut', 'insert', 'repeat'), char: fc.string({ minLength: 1, maxLength: 1 }), times: fc.integer({ min: 1, max: 20 }) });

  it('never disagrees with the PEG parser on generated and mutated headers', () => {
    fc.assert(fc.property(anyText, mutation, ([rule, text], m) => {
      const at = Math.min(m.at, text.length);
      const mutated = m.kind === 'cut' ? text.slice(0, at) : m.kind === 'insert' ? text.slice(0, at) + m.char + text.slice(at)
        : m.kind === 'repeat' ? text.slice(0, at) + (text[at] ?? '<').repeat(m.times) + text.slice(at) : text;
      fc.pre(!/tel:/i.test(mutated));
      expect([mutated, normal(fastParse(mutated, rule))]).toEqual([mutated, normal(pegParse(mutated, rule))]);
    }), { numRuns: 3000, seed: 20_261_122 });
  }, 60_000);
});

describe('splitAtCommas', () => {
  it('keeps commas inside quotes and angle brackets', () => {
    const text = '"a, b" <sip:x;p=1,2>, <sip:y>';
    expect(splitAtCommas(text).map(([a, b]) => text.slice(a, b))).toEqual(['"a, b" <sip:x;p=1,2>', ' <sip:y>']);
  });
});
