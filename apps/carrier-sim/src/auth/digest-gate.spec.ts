import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { DigestGate } from './digest-gate.js';

interface Answer { username?: string; password?: string; algorithm: 'MD5' | 'SHA-256'; nonce?: string; method?: string; nc?: string }

/** A client's answer, written down from RFC 7616 §3.4 apart from the code under test. */
function answerTo(challenge: string, { username = 'trunk', password = 's3cret', algorithm, method = 'INVITE', nc = '00000001', ...rest }: Answer): string {
  const nonce = rest.nonce ?? /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const realm = /realm="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const hash = (text: string): string => createHash(algorithm === 'MD5' ? 'md5' : 'sha256').update(text).digest('hex');
  const uri = 'sip:+14155550123@127.0.0.1';
  const response = hash([hash(`${username}:${realm}:${password}`), nonce, nc, 'abc', 'auth', hash(`${method}:${uri}`)].join(':'));
  return `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${algorithm}, cnonce="abc", qop=auth, nc=${nc}`;
}

describe.each(['MD5', 'SHA-256'] as const)('DigestGate with %s', (algorithm) => {
  const gate = new DigestGate({ username: 'trunk', password: 's3cret', algorithm });
  const challenge = gate.challenge(1_000_000);

  it('lets the right password in', () => {
    expect(gate.judge(answerTo(challenge, { algorithm }), 'INVITE', 1_010_000)).toBe('accepted');
  });

  it.each<[string, Partial<Answer>]>([
    ['another password', { password: 'guess' }], ['another user', { username: 'root' }], ['another method', { method: 'BYE' }],
    ['a nonce that was never given', { nonce: `${(1_000_000).toString(36)}.0123456789abcdef0123456789abcdef` }], ['no nonce', { nonce: '' }], ['a bad count', { nc: '1' }],
  ])('turns away %s', (_what, change) => {
    expect(gate.judge(answerTo(challenge, { algorithm, ...change }), 'INVITE', 1_010_000)).toBe('refused');
  });

  it('asks again when the nonce is old, and only then says stale', () => {
    expect(gate.judge(answerTo(challenge, { algorithm }), 'INVITE', 1_100_000)).toBe('stale');
    expect(gate.judge(answerTo(challenge, { algorithm, password: 'guess' }), 'INVITE', 1_100_000)).toBe('refused');
    expect(gate.challenge(0, true)).toContain('stale=true');
    expect(challenge).not.toContain('stale');
  });

  it('turns away what is no digest', () => {
    for (const header of ['', 'Basic dHJ1bms6czNjcmV0', 'Digest', 'Digest username="trunk"', 'Digest __proto__="x"']) expect(gate.judge(header, 'INVITE', 1_010_000)).toBe('refused');
  });
});

it('takes no answer in another algorithm, nor one from another process', () => {
  const gate = new DigestGate({ username: 'trunk', password: 's3cret', algorithm: 'SHA-256' });
  expect(gate.judge(answerTo(gate.challenge(0), { algorithm: 'MD5' }), 'INVITE', 0)).toBe('refused');
  const other = new DigestGate({ username: 'trunk', password: 's3cret', algorithm: 'SHA-256' });
  expect(gate.judge(answerTo(other.challenge(0), { algorithm: 'SHA-256' }), 'INVITE', 0)).toBe('refused');
});
