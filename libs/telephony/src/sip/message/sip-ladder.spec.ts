import { VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { SipLadders } from './sip-ladder.js';

const peer = { address: '192.0.2.1', port: 5060 };
const invite = [
  'INVITE sip:bob:hunter2@example.com SIP/2.0', 'Via: SIP/2.0/UDP a;branch=z9hG4bKx', 'From: <sip:alice:s3cret@example.com>;tag=1',
  'Authorization: Digest username="alice", realm="r", nonce="n0nce", uri="sip:b", response="deadbeef", cnonce="c0", qop=auth, nc=00000001, algorithm=MD5', 'Proxy-Authorization: Bearer t0ken',
  'X-Api-Key: k3y', 'Content-Type: application/sdp', '', 'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:S3CRETKEY|2^20|1:32\r\na=ice-pwd:1cepwd\r\n',
].join('\r\n');
const request = (n: number, body = ''): string => `INFO sip:b SIP/2.0\r\nCSeq: ${n} INFO\r\nContent-Type: application/dtmf-relay\r\n\r\n${body}`;

function setUp() {
  const clock = new VirtualClock();
  const ladders = new SipLadders(clock);
  ladders.begin('call');
  return { clock, ladders };
}

describe('the ladder of a call', () => {
  it('masks credentials, keys and passwords, and leaves the rest', () => {
    const { ladders } = setUp();
    ladders.add('call', 'sent', invite, peer, 'UDP');
    const [message] = ladders.take('call');
    expect(JSON.stringify(message)).not.toMatch(/hunter2|s3cret|n0nce|deadbeef|c0"|t0ken|k3y|S3CRETKEY|1cepwd/);
    expect(message).toMatchObject({ direction: 'sent', transport: 'UDP', peer: '192.0.2.1:5060', startLine: 'INVITE sip:bob:***@example.com SIP/2.0', at: '2026-01-05T10:00:00.000Z' });
    expect(message.headers).toContain('username="alice", realm="r"');
    expect(message.headers).toContain('Proxy-Authorization: Bearer ***');
    expect(message.sdp).toBe('v=0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***|2^20|1:32\na=ice-pwd:***');
  });

  it('masks a password however long, and takes no time over what only looks like many', () => {
    const { ladders } = setUp();
    ladders.add('call', 'sent', `INFO sip:a:${'p'.repeat(900)}@b SIP/2.0\r\nTo: <sip:${'u'.repeat(300)}:${'p'.repeat(900)}@b>\r\nX: ${'sip:'.repeat(1500)}\r\n\r\n`, peer, 'UDP');
    expect(JSON.stringify(ladders.take('call'))).not.toContain('pp');
  });

  it('keeps no body but a session description', () => {
    const { ladders } = setUp();
    ladders.add('call', 'received', request(1, 'Signal=5\r\n'), peer, 'UDP');
    const [message] = ladders.take('call');
    expect(message).not.toHaveProperty('sdp');
    expect(JSON.stringify(message)).not.toContain('Signal');
  });

  it('counts repetitions instead of keeping them, by direction', () => {
    const { ladders } = setUp();
    for (let i = 0; i < 4; i++) ladders.add('call', 'sent', invite, peer, 'UDP');
    ladders.add('call', 'received', invite, peer, 'UDP');
    expect(ladders.take('call').map(({ direction, repeated }) => [direction, repeated])).toEqual([['sent', 3], ['received', undefined]]);
  });

  it('keeps the beginning and the end of a long call, and says what is missing', () => {
    const { ladders } = setUp();
    for (let n = 1; n <= 100; n++) ladders.add('call', 'received', request(n), peer, 'UDP');
    const messages = ladders.take('call');
    const numbers = messages.map(({ headers }) => Number(/CSeq: (\d+)/.exec(headers)?.[1]));
    expect(numbers).toEqual([...Array.from({ length: 20 }, (_, i) => i + 1), ...Array.from({ length: 40 }, (_, i) => i + 61)]);
    expect(messages[20].omittedBefore).toBe(40);
  });

  it('is bounded in bytes, too', () => {
    const { ladders } = setUp();
    for (let n = 1; n <= 30; n++) ladders.add('call', 'received', request(n, 'x'.repeat(8000)), peer, 'UDP');
    const messages = ladders.take('call');
    expect(messages.length).toBeLessThanOrEqual(8);
    expect(messages.at(-1)?.headers).toContain('CSeq: 30 ');
    expect(messages[0].headers).toContain('CSeq: 1 ');
  });

  it('is told in batches, and forgotten with the call', () => {
    const { ladders } = setUp();
    ladders.add('call', 'sent', request(1), peer, 'UDP');
    expect(ladders.take('call')).toHaveLength(1);
    expect(ladders.take('call')).toEqual([]);
    ladders.end('call');
    ladders.add('call', 'sent', request(2), peer, 'UDP');
    expect(ladders.take('call')).toEqual([]);
    expect(ladders.size).toBe(0);
  });
});
