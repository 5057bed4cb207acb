import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DigestSession, type Challenger } from './digest-session.js';

const request = { method: 'INVITE', uri: 'sip:1@carrier.example' };
const session = (): DigestSession => new DigestSession({ username: 'bot', password: 'secret' });
const challenge = (nonce: string, more = ''): string => `Digest realm="r", nonce="${nonce}", qop="auth"${more}`;
const field = (header: string | undefined, name: string): string | undefined => new RegExp(`[ ,]${name}="?([^",]*)"?`).exec(header ?? '')?.[1];
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

describe('a request that is asked for credentials', () => {
  it('answers a proxy and then the server, and repeats the proxy its credentials with a new count', () => {
    const signed = session().request();
    const first = signed.challenged('proxy', [challenge('p')], request);
    expect([first?.server, field(first?.proxy[0], 'nonce'), field(first?.proxy[0], 'nc')]).toEqual([[], 'p', '00000001']);
    const second = signed.challenged('server', [challenge('s')], request);
    expect([field(second?.proxy[0], 'nonce'), field(second?.proxy[0], 'nc'), field(second?.server[0], 'nonce')]).toEqual(['p', '00000002', 's']);
  });

  it('answers each realm of several proxies (RFC 3261 §22.3), apart or joined in one field', () => {
    const apart = session().request().challenged('proxy', ['Digest realm="a", nonce="1"', 'Digest realm="b", nonce="2"'], request);
    const joined = session().request().challenged('proxy', ['Digest realm="a", nonce="1",Digest realm="b",nonce="2"'], request);
    for (const answer of [apart, joined]) expect(answer?.proxy.map((value) => [field(value, 'realm'), field(value, 'nonce')])).toEqual([['a', '1'], ['b', '2']]);
  });

  it('takes no comma in a quoted realm for the next challenge', () => {
    const answer = session().request().challenged('server', ['Digest realm="Acme, Inc key=v", nonce="1", Digest realm="b", nonce="2"'], request);
    expect(answer?.server.map((value) => /realm="([^"]*)"/.exec(value)?.[1])).toEqual(['Acme, Inc key=v', 'b']);
  });

  it('tries a fresh nonce once after a stale one, and no more', () => {
    const signed = session().request();
    signed.challenged('server', [challenge('1')], request);
    const again = signed.challenged('server', [challenge('2', ', stale=true')], request);
    expect([field(again?.server[0], 'nonce'), field(again?.server[0], 'nc')]).toEqual(['2', '00000001']);
    expect(signed.challenged('server', [challenge('3', ', stale=true')], request)).toBeUndefined();
  });

  it.each([['a new nonce', challenge('2')], ['the same nonce', challenge('1')], ['the same nonce called stale', challenge('1', ', stale=true')]])('takes %s after credentials for a refusal', (_name, second) => {
    const signed = session().request();
    signed.challenged('server', [challenge('1')], request);
    expect(signed.challenged('server', [second], request)).toBeUndefined();
  });

  it.each([[[]], [['Basic realm="r"']], [['Digest realm="r", nonce="n", algorithm=AKAv1-MD5']], [['garbage']]])('does not answer %j', (values) => {
    expect(session().request().challenged('server', values, request)).toBeUndefined();
  });

  it('takes the strongest of one realm\'s challenges', () => {
    const answer = session().request().challenged('server', [challenge('1', ', algorithm=MD5'), challenge('2', ', algorithm=SHA-256'), 'Basic realm="r"'], request);
    expect(answer?.server).toHaveLength(1);
    expect(field(answer?.server[0], 'algorithm')).toBe('SHA-256');
  });
});

describe('a session', () => {
  it('counts on when a later request is challenged with a nonce it knows (RFC 7616 §3.4)', () => {
    const call = session();
    call.request().challenged('proxy', [challenge('n')], request);
    const bye = { method: 'BYE', uri: 'sip:peer@10.0.0.1' };
    const answer = call.request().challenged('proxy', [challenge('n')], bye)?.proxy[0];
    expect(field(answer, 'nc')).toBe('00000002');
    const ha1 = md5('bot:r:secret');
    expect(field(answer, 'response')).toBe(md5(`${ha1}:n:00000002:${field(answer, 'cnonce')}:auth:${md5(`BYE:${bye.uri}`)}`));
    expect(field(call.request().challenged('proxy', [challenge('m')], bye)?.proxy[0], 'nc')).toBe('00000001');
  });

  it('never goes round for ever, nor uses a nonce twice with one count, whatever is asked', () => {
    const asked = fc.record({ challenger: fc.constantFrom<Challenger>('server', 'proxy'), realm: fc.constantFrom('a', 'b'), nonce: fc.constantFrom('1', '2', '3'), stale: fc.boolean() });
    fc.assert(fc.property(fc.array(fc.array(asked, { maxLength: 20 }), { maxLength: 4 }), (requests) => {
      const call = session();
      const used: string[] = [];
      for (const challenges of requests) {
        const signed = call.request();
        let answers = 0;
        for (const { challenger, realm, nonce, stale } of challenges) {
          const answer = signed.challenged(challenger, [`Digest realm="${realm}", nonce="${nonce}", qop="auth"${stale ? ', stale=true' : ''}`], request);
          if (!answer) break;
          answers++;
          for (const kind of ['server', 'proxy'] as const) {
            for (const value of answer[kind]) {
              const [itsRealm, itsNonce, nc] = ['realm', 'nonce', 'nc'].map((name) => field(value, name));
              expect(used).not.toContain(`${kind} ${itsRealm} ${itsNonce} ${nc}`);
              used.push(`${kind} ${itsRealm} ${itsNonce} ${nc}`);
            }
          }
        }
        expect(answers).toBeLessThanOrEqual(6);
      }
    }), { numRuns: 300 });
  });
});
