import { describe, expect, it } from '@jest/globals';
import { answerChallenge, parseChallenge, strongestChallenge, type DigestChallenge } from './digest.js';

const parsed = (value: string): DigestChallenge => {
  const challenge = parseChallenge(value);
  if (!challenge) throw new Error('not a challenge');
  return challenge;
};
const field = (header: string | undefined, name: string): string | undefined => new RegExp(`[ ,]${name}="?([^",]*)"?`).exec(header ?? '')?.[1];

describe('answerChallenge', () => {
  // RFC 7616 §3.9.1
  const mufasa = { username: 'Mufasa', password: 'Circle of Life' };
  const request = { method: 'GET', uri: '/dir/index.html', nonceCount: 1, cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' };
  const rfc7616 = (algorithm: string): string =>
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;

  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('computes %s as RFC 7616 §3.9.1 does', (algorithm, response) => {
    const header = answerChallenge(parsed(rfc7616(algorithm)), mufasa, request);
    expect(field(header, 'response')).toBe(response);
    expect([field(header, 'nc'), field(header, 'qop'), field(header, 'algorithm'), field(header, 'uri'), field(header, 'opaque')])
      .toEqual(['00000001', 'auth', algorithm, '/dir/index.html', 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS']);
  });

  it('computes MD5 without qop as RFC 2069 did', () => {
    const challenge = parsed('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"');
    const header = answerChallenge(challenge, { username: 'Mufasa', password: 'CircleOfLife' }, { method: 'GET', uri: '/dir/index.html', nonceCount: 1 });
    expect(field(header, 'response')).toBe('1949323746fe6a43ef61f9606e7febea');
    expect([field(header, 'qop'), field(header, 'nc')]).toEqual([undefined, undefined]);
  });

  it('mixes nonce and cnonce into a session key (RFC 7616 §3.4.2)', () => {
    const plain = answerChallenge(parsed(rfc7616('MD5')), mufasa, request);
    const session = answerChallenge(parsed(rfc7616('MD5-sess')), mufasa, request);
    expect(field(session, 'response')).toMatch(/^[0-9a-f]{32}$/);
    expect(field(session, 'response')).not.toBe(field(plain, 'response'));
  });

  it('draws a fresh cnonce each time', () => {
    const cnonces = [1, 2].map(() => field(answerChallenge(parsed(rfc7616('MD5')), mufasa, { ...request, cnonce: undefined }), 'cnonce'));
    expect(cnonces[0]).not.toBe(cnonces[1]);
  });

  it('escapes quotes in the user name', () => {
    expect(answerChallenge(parsed(rfc7616('MD5')), { username: 'a"b\\c', password: 'x' }, request)).toContain('username="a\\"b\\\\c"');
  });

  it.each(['Digest realm="r", nonce="n", algorithm=AKAv1-MD5', 'Digest realm="r", nonce="n", qop="auth-int"'])('declines %s', (value) => {
    expect(answerChallenge(parsed(value), mufasa, request)).toBeUndefined();
  });
});

describe('parseChallenge', () => {
  it('reads every part, tokens and quoted strings alike', () => {
    expect(parseChallenge('digest Realm="a \\"b\\", c" ,nonce=n1, qop=auth, stale=TRUE,algorithm="SHA-256", opaque="", charset=UTF-8'))
      .toEqual({ realm: 'a \\"b\\", c', nonce: 'n1', qop: ['auth'], stale: true, algorithm: 'SHA-256', opaque: '' });
  });

  it('takes an empty value for none', () => {
    expect(parseChallenge('Digest realm="r", nonce="n", qop="", domain=')).toEqual({ realm: 'r', nonce: 'n' });
  });

  it.each(['Basic realm="r"', 'Digest realm="r"', 'Digest nonce="n"', 'Digest realm="r", nonce="unterminated', 'Digest realm="r" nonce="n"', ''])('refuses %j', (value) => {
    expect(parseChallenge(value)).toBeUndefined();
  });
});

describe('strongestChallenge', () => {
  const challenge = (algorithm: string | undefined): DigestChallenge => ({ realm: 'r', nonce: 'n', ...(algorithm === undefined ? {} : { algorithm }) });

  it('prefers the strongest hash that we know (RFC 8760 §2.4)', () => {
    expect(strongestChallenge([challenge('MD5'), challenge('SHA-256'), challenge('AKAv1-MD5')])?.algorithm).toBe('SHA-256');
    expect(strongestChallenge([challenge('SHA-512-256'), challenge('SHA-256')])?.algorithm).toBe('SHA-512-256');
    expect(strongestChallenge([challenge(undefined)])).toEqual(challenge(undefined));
    expect(strongestChallenge([challenge('X')])).toBeUndefined();
  });
});
