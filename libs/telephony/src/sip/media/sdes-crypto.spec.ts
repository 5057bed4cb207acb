import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseCrypto, type ProtectedLine, SdesNegotiation } from './sdes-crypto.js';

const KEY = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
const line = (rest = '', suite = 'AES_CM_128_HMAC_SHA1_80', tag = '1'): string => `${tag} ${suite} inline:${KEY}${rest}`;
const avp = (...crypto: string[]): ProtectedLine => ({ protocol: 'RTP/AVP', crypto });
const savp = (...crypto: string[]): ProtectedLine => ({ protocol: 'RTP/SAVP', crypto });
/** Without `crypto:`. */
const values = (attributes: readonly string[]): string[] => attributes.map((attribute) => attribute.slice('crypto:'.length));

describe('parseCrypto', () => {
  it.each([
    [line(), { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', key: KEY }],
    [line('|2^31', 'AES_CM_128_HMAC_SHA1_32', '7'), { tag: 7, suite: 'AES_CM_128_HMAC_SHA1_32', key: KEY }],
    [line('|2^20|1:4'), { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', key: KEY, mki: '00000001' }],
    [line('|258:2'), { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', key: KEY, mki: '0102' }],
    [line('|1048576 WSH=128 -OPTIONAL=3'), { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', key: KEY }],
  ])('reads %s', (value, attribute) => { expect(parseCrypto(value)).toEqual(attribute); });

  it.each([
    ['an unknown suite', line('', 'AES_256_CM_HMAC_SHA1_80')], ['no tag', `AES_CM_128_HMAC_SHA1_80 inline:${KEY}`], ['a short key', '1 AES_CM_128_HMAC_SHA1_80 inline:QUJD'],
    ['a long key', line('AAAA')], ['a key that is not base64', `1 AES_CM_128_HMAC_SHA1_80 inline:${'?'.repeat(40)}`], ['another way to give the key', `1 AES_CM_128_HMAC_SHA1_80 uri:${KEY}`],
    ['two keys', line(`|1:4;inline:${KEY}|2:4`)], ['a lifetime under six hours', line('|2^19')], ['a lifetime of nobody', line('|2^49')], ['an MKI longer than it says', line('|256:1')],
    ['an MKI of no bytes', line('|1:0')], ['an MKI of too many', line('|1:129')],
    ['no encryption', line(' UNENCRYPTED_SRTP')], ['no authentication', line(' UNAUTHENTICATED_SRTP')], ['key derivation at a rate', line(' KDR=4')], ['nothing', ''],
  ])('refuses %s', (_what, value) => { expect(parseCrypto(value)).toBeNull(); });

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ maxLength: 120 }), (text) => { parseCrypto(text); parseCrypto(`1 AES_CM_128_HMAC_SHA1_80 inline:${text}`); return true; }));
  });
});

describe('SdesNegotiation', () => {
  it('offers by policy: nothing, keys beside RTP/AVP, or RTP/SAVP', () => {
    expect(new SdesNegotiation('off').offer()).toEqual({ protocol: 'RTP/AVP', attributes: [] });
    for (const [policy, protocol] of [['optional', 'RTP/AVP'], ['required', 'RTP/SAVP']] as const) {
      const offer = new SdesNegotiation(policy).offer();
      expect(offer.protocol).toBe(protocol);
      expect(values(offer.attributes).map(parseCrypto)).toMatchObject([{ tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80' }, { tag: 2, suite: 'AES_CM_128_HMAC_SHA1_32' }]);
    }
  });

  it('has other keys for each suite and each session, and the same for a session\'s next offer', () => {
    const [a, b] = [new SdesNegotiation('optional'), new SdesNegotiation('optional')];
    const keys = [a, b].flatMap((sdes) => values(sdes.offer().attributes).map((value) => parseCrypto(value)?.key));
    expect(new Set(keys).size).toBe(4);
    expect(values(a.offer().attributes).map((value) => parseCrypto(value)?.key)).toEqual(keys.slice(0, 2));
  });

  it('takes the answer to a tag of its offer', () => {
    const sdes = new SdesNegotiation('required');
    const [, short] = values(sdes.offer().attributes).map(parseCrypto);
    expect(sdes.applyAnswer(savp(line('|2^31|1:1', 'AES_CM_128_HMAC_SHA1_32', '2')))).toEqual({ suite: 'AES_CM_128_HMAC_SHA1_32', sendKey: short?.key, receiveKey: KEY, receiveMki: '01' });
    expect(() => sdes.applyAnswer(savp(line('', 'AES_CM_128_HMAC_SHA1_80', '2')))).toThrow('cannot be used');
    expect(() => sdes.applyAnswer(savp(line('', 'AES_CM_128_HMAC_SHA1_80', '3')))).toThrow('cannot be used');
    expect(() => sdes.applyAnswer(savp())).toThrow('requires SRTP');
    expect(() => sdes.applyAnswer(avp())).toThrow('requires SRTP');
  });

  it('optional: is answered with SRTP or plainly, and begins with new keys after plain RTP', () => {
    const sdes = new SdesNegotiation('optional');
    const offered = sdes.offer();
    expect(sdes.applyAnswer(avp(line()))).toMatchObject({ receiveKey: KEY });
    expect(sdes.offer().attributes[0]).toEqual(offered.attributes[0]);
    expect(sdes.applyAnswer(avp())).toBeUndefined();
    expect(sdes.offer().attributes).not.toEqual(offered.attributes);
    expect(() => sdes.applyAnswer(avp(line('', 'F8_128_HMAC_SHA1_80')))).toThrow('cannot be used');
    expect(() => sdes.applyAnswer(savp())).toThrow('no usable key');
  });

  it('answers the first usable line with its tag and a key of its own, the same when asked again', () => {
    const sdes = new SdesNegotiation('optional');
    const { srtp, attributes } = sdes.answer(avp(line('', 'AES_256_CM_HMAC_SHA1_80', '1'), line('', 'AES_CM_128_HMAC_SHA1_32', '9'), line()));
    expect(srtp).toMatchObject({ suite: 'AES_CM_128_HMAC_SHA1_32', receiveKey: KEY });
    expect(attributes).toEqual([`crypto:9 AES_CM_128_HMAC_SHA1_32 inline:${srtp?.sendKey}`]);
    expect(sdes.answer(avp(line('', 'AES_CM_128_HMAC_SHA1_32', '9'))).attributes).toEqual(attributes);
  });

  it('takes the answer to its last answer, offered again as it was', () => {
    const sdes = new SdesNegotiation('required');
    const { srtp } = sdes.answer(savp(line('', 'AES_CM_128_HMAC_SHA1_32', '9')));
    expect(sdes.applyAnswer(savp(line('', 'AES_CM_128_HMAC_SHA1_32', '9')))).toEqual(srtp);
  });

  it('optional: insists once, after 488, with the same keys', () => {
    const sdes = new SdesNegotiation('optional');
    const { attributes } = sdes.offer();
    expect([sdes.insist(), sdes.insist()]).toEqual([true, false]);
    expect(sdes.offer()).toEqual({ protocol: 'RTP/SAVP', attributes });
    expect([new SdesNegotiation('off').insist(), new SdesNegotiation('required').insist()]).toEqual([false, false]);
  });

  it('never comes back to the key of a suite that was left', () => {
    const sdes = new SdesNegotiation('required');
    const keys = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32', 'AES_CM_128_HMAC_SHA1_80'].map((suite) => sdes.answer(savp(line('', suite))).srtp?.sendKey);
    expect(new Set(keys).size).toBe(3);
    const offered = values(sdes.offer().attributes).map((value) => parseCrypto(value)?.key);
    expect(offered[0]).toBe(keys[2]);
    expect(keys).not.toContain(offered[1]);
  });

  it('gives every branch of a forked call the key that it was offered', () => {
    const sdes = new SdesNegotiation('required');
    const [long, short] = values(sdes.offer().attributes).map((value) => parseCrypto(value)?.key);
    expect(sdes.applyAnswer(savp(line('', 'AES_CM_128_HMAC_SHA1_32', '2')))?.sendKey).toBe(short);
    expect(sdes.applyAnswer(savp(line()))?.sendKey).toBe(long);
  });

  it('speaks SAVP on once the far end does', () => {
    const sdes = new SdesNegotiation('optional');
    sdes.answer(savp(line()));
    expect(sdes.offer().protocol).toBe('RTP/SAVP');
  });

  it.each([
    ['off', avp(), 1, false], ['off', avp(line()), 1, false], ['off', savp(line()), 0, 'off for this trunk'],
    ['optional', avp(), 1, false], ['optional', avp(line()), 2, true], ['optional', savp(line()), 3, true], ['optional', savp(line(' UNENCRYPTED_SRTP')), 0, 'no usable key'],
    ['required', avp(), 0, 'requires SRTP'], ['required', avp(line()), 2, true], ['required', savp(line()), 3, true], ['required', savp(), 0, 'requires SRTP'],
    ['optional', { protocol: 'UDP/TLS/RTP/SAVPF', crypto: [line()] }, 0, true],
  ] as const)('%s meets %o', (policy, offered, suitability, outcome) => {
    const sdes = new SdesNegotiation(policy);
    expect(sdes.suitability(offered)).toBe(suitability);
    if (typeof outcome === 'string') expect(() => sdes.answer(offered)).toThrow(outcome);
    else expect(sdes.answer(offered).srtp !== undefined).toBe(outcome);
  });
});
