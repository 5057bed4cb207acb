import { createHash } from 'node:crypto';
import type { TrunkEntry } from '@dialfleet/fleet';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { InboundGate, type GateVerdict, type Knock } from './inbound-gate.js';

const CARRIER = '203.0.113.5';
const PHONE = '198.51.100.9';
const entry = (trunkId: string, over: Partial<TrunkEntry> = {}, account: object = { username: 'pbx', password: 'secret' }): TrunkEntry => ({
  workspaceId: 'ws', trunk: { trunkId, host: 'x', transport: 'udp', codecs: ['PCMU'], ...account }, register: false, registerExpiresSeconds: 3600, inboundSources: [], inboundAuth: true, ...over,
});

function gate(entries: TrunkEntry[], unknownSource: 'silence' | 'forbid' = 'silence') {
  const clock = new VirtualClock();
  const it = new InboundGate({ sources: { trunksAt: (address) => (address === CARRIER ? ['carrier'] : []) }, trunks: { entries }, unknownSource, realm: 'dialfleet', clock, logger: silentLogger });
  return { it, clock };
}
const knock = (method = 'INVITE', headers: Record<string, string> = {}, callId = 'c1'): Knock => ({ method, requestUri: 'sip:+14155550100@worker', callId, header: (name) => headers[name] });

const challengesOf = (verdict: GateVerdict): string[] => (typeof verdict === 'object' && verdict.statusCode === 401 ? verdict.extraHeaders ?? [] : []);
const field = (challenge: string, name: string): string => new RegExp(`${name}="?([^",]+)`).exec(challenge)?.[1] ?? '';

/** What a phone answers to a challenge. */
function answer(challenge: string, over: Partial<Record<'username' | 'password' | 'nc' | 'uri' | 'qop' | 'realm' | 'method', string>> = {}): string {
  const { username = 'pbx', password = 'secret', nc = '00000001', uri = 'sip:+14155550100@sip.example', qop = 'auth', realm = field(challenge, 'realm'), method = 'INVITE' } = over;
  const algorithm = field(challenge, 'algorithm');
  const hash = (text: string): string => createHash(algorithm === 'MD5' ? 'md5' : 'sha256').update(text).digest('hex');
  const nonce = field(challenge, 'nonce');
  const response = hash(`${hash(`${username}:${realm}:${password}`)}:${nonce}:${nc}:abc:${qop}:${hash(`${method}:${uri}`)}`);
  return `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${algorithm}, cnonce="abc", qop=${qop}, nc=${nc}`;
}

describe('who may call', () => {
  it('is a source of a trunk, with any request', () => {
    const { it: door } = gate([entry('a')]);
    expect(['INVITE', 'OPTIONS', 'MESSAGE'].map((method) => door.admit(knock(method), CARRIER))).toEqual(['pass', 'pass', 'pass']);
    expect([door.trunksOf({ callId: 'c', address: CARRIER }), door.isKnown(CARRIER), door.isKnown(PHONE)]).toEqual([['carrier'], true, false]);
  });

  it.each<['silence' | 'forbid', GateVerdict]>([['silence', 'drop'], ['forbid', { statusCode: 403 }]])('is no stranger (%s)', (unknownSource, verdict) => {
    const { it: door } = gate([entry('a', { inboundAuth: false }), entry('b', {}, {}), entry('c', {}, { username: 'x' })], unknownSource);
    expect(door.admit(knock(), PHONE)).toEqual(verdict);
    expect(door.trunksOf({ callId: 'c1', address: PHONE })).toEqual([]);
  });

  it('is asked for credentials only with an INVITE, and only where a trunk takes some', () => {
    const { it: door } = gate([entry('a')]);
    expect(['OPTIONS', 'REGISTER', 'SUBSCRIBE'].map((method) => door.admit(knock(method), PHONE))).toEqual(['drop', 'drop', 'drop']);
    const challenges = challengesOf(door.admit(knock(), PHONE));
    expect(challenges.map((challenge) => field(challenge, 'algorithm'))).toEqual(['SHA-256', 'MD5']);
    expect(challenges[0]).toMatch(/^WWW-Authenticate: Digest realm="dialfleet", nonce="[^"]+", algorithm=SHA-256, qop="auth"$/);
  });

  it.each([[0, 'SHA-256'], [1, 'MD5']])('is who proves the credentials of a trunk (challenge %i, %s)', (index) => {
    const { it: door } = gate([entry('a'), entry('other', {}, { username: 'pbx', password: 'else' }), entry('twin')]);
    const authorization = answer(challengesOf(door.admit(knock(), PHONE))[index]);
    expect(door.admit(knock('INVITE', { authorization }), PHONE)).toBe('pass');
    expect(door.trunksOf({ callId: 'c1', address: PHONE })).toEqual(['a', 'twin']);
    expect(door.trunksOf({ callId: 'c2', address: PHONE })).toEqual([]);
  });

  it.each<[string, (challenge: string) => string]>([
    ['a wrong password', (c) => answer(c, { password: 'guess' })], ['an unknown name', (c) => answer(c, { username: 'root' })], ['no protection', (c) => answer(c, { qop: 'none' })],
    ['another realm', (c) => answer(c, { realm: 'elsewhere' })], ['another method', (c) => answer(c, { method: 'REGISTER' })], ['somebody else to be called', (c) => answer(c, { uri: 'sip:+19005550000@x' })],
    ['another scheme', () => 'Basic cGJ4OnNlY3JldA=='], ['nothing in it', () => 'Digest'], ['far too much', (c) => `${answer(c)}, x="${'x'.repeat(5000)}"`], ['a strange algorithm', (c) => answer(c).replace('SHA-256', 'SHA-1')],
  ])('is not who comes with %s', (_name, make) => {
    const { it: door } = gate([entry('a')]);
    expect(door.admit(knock('INVITE', { authorization: make(challengesOf(door.admit(knock(), PHONE))[0]) }), PHONE)).toEqual({ statusCode: 403 });
  });

  it('is offered, and may use, only what the operator wants', () => {
    const strict = new InboundGate({ sources: { trunksAt: () => [] }, trunks: { entries: [entry('a')] }, unknownSource: 'silence', realm: 'dialfleet', digestAlgorithms: ['MD5'], clock: new VirtualClock(), logger: silentLogger });
    const [challenge, ...more] = challengesOf(strict.admit(knock(), PHONE));
    expect([field(challenge, 'algorithm'), more]).toEqual(['MD5', []]);
    expect(strict.admit(knock('INVITE', { authorization: answer(challenge.replace('MD5', 'SHA-256')) }), PHONE)).toEqual({ statusCode: 403 });
    expect(strict.admit(knock('INVITE', { authorization: answer(challenge) }), PHONE)).toBe('pass');
  });

  it('is asked again when the challenge is old, was answered before, or was made for somebody else', () => {
    const { it: door, clock } = gate([entry('a')]);
    const challenge = challengesOf(door.admit(knock(), PHONE))[0];
    const stale = (verdict: GateVerdict): boolean => challengesOf(verdict).every((one) => one.endsWith('stale=true')) && challengesOf(verdict).length === 2;
    const withAnswer = (authorization: string, address = PHONE): GateVerdict => door.admit(knock('INVITE', { authorization }), address);
    expect(withAnswer(answer(challenge))).toBe('pass');
    expect(stale(withAnswer(answer(challenge)))).toBe(true);
    expect(withAnswer(answer(challenge, { nc: '00000002' }))).toBe('pass');
    expect(stale(withAnswer(answer(challenge, { nc: '00000003' }), '198.51.100.66'))).toBe(true);
    expect(stale(withAnswer(answer(challenge.replace(/nonce="[^"]+/, 'nonce="made.up.here'), { nc: '00000009' })))).toBe(true);
    clock.advance(61_000);
    expect(stale(withAnswer(answer(challenge, { nc: '00000004' })))).toBe(true);
  });
});
