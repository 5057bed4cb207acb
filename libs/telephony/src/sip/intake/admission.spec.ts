import { VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { Admission, defaultAdmissionLimits, type RequestGlimpse, type Verdict } from './admission.js';
import { LoadGate } from './load-gate.js';

const peer = (address: string) => ({ address, port: 5060 });
const glimpse = (headers: Record<string, string> = {}, change: Partial<RequestGlimpse> = {}): RequestGlimpse =>
  ({ method: 'INVITE', requestUri: 'sip:100@192.0.2.9', callId: 'x', header: (name) => headers[name], ...change });
const trunk = '192.0.2.1';
const setUp = (load?: LoadGate, admit?: () => Verdict) => {
  const clock = new VirtualClock();
  return { clock, door: new Admission({ clock, isKnown: (address) => address === trunk, load, admit }) };
};
const passed = (times: number, act: () => unknown): number => Array.from({ length: times }, act).filter((verdict) => verdict === true || verdict === 'pass').length;

describe('the door', () => {
  it('gives a stranger little, a trunk much, and one never what is another\'s', () => {
    const { door } = setUp();
    const { strangerRequests, stranger } = defaultAdmissionLimits;
    expect(passed(1000, () => door.request(glimpse(), peer('203.0.113.7')))).toBe(strangerRequests.burst);
    expect(passed(1000, () => door.message(peer('203.0.113.7')))).toBe(stranger.burst);
    expect(passed(1000, () => door.request(glimpse(), peer(trunk)))).toBe(1000);
    expect(passed(1000, () => door.message(peer(trunk)))).toBe(1000);
    expect(door.counts.limited).toBe(2000 - strangerRequests.burst - stranger.burst);
  });

  it.each(['friendly-scanner', 'SIPVicious 0.3', 'sipcli/v1.8', 'VaxSIPUserAgent/3.1', 'pplsip'])('does not answer %s', (agent) => {
    const { door } = setUp();
    expect(door.request(glimpse({ 'user-agent': agent }), peer('203.0.113.7'))).toBe('drop');
    expect(door.request(glimpse({ 'user-agent': agent }), peer(trunk))).toBe('pass');
  });

  it('knows scanners that hide their name by what they dial', () => {
    const { door } = setUp();
    expect(door.request(glimpse({}, { requestUri: 'sip:100@1.1.1.1' }), peer('203.0.113.7'))).toBe('drop');
    expect(door.request(glimpse({ from: '"sipvicious"<sip:100@1.1.1.1>;tag=1' }), peer('203.0.113.7'))).toBe('drop');
    expect(door.counts.scanners).toBe(2);
  });

  it('asks who knows the trunks, and takes silence or a refusal for an answer', () => {
    expect(setUp(undefined, () => 'drop').door.request(glimpse(), peer('203.0.113.7'))).toBe('drop');
    expect(setUp(undefined, () => ({ statusCode: 403 })).door.request(glimpse(), peer('203.0.113.7'))).toEqual({ statusCode: 403 });
  });

  it('refuses an INVITE again that it refused, even when there is room meanwhile; another of the same call is another', () => {
    const load = new LoadGate(new VirtualClock(), { setUpsPerSecond: 100, lagHighMs: 100, lagLowMs: 30 });
    const { door, clock } = setUp(load);
    for (let i = 0; i < 3; i++) load.lateBy(500);
    expect(door.request(glimpse({ via: 'a' }), peer(trunk))).toMatchObject({ statusCode: 503 });
    for (let i = 0; i < 20; i++) load.lateBy(0);
    expect(door.request(glimpse({ via: 'a' }), peer(trunk))).toMatchObject({ statusCode: 503 });
    expect(door.request(glimpse({ via: 'b' }), peer(trunk))).toBe('pass');
    clock.advance(32_001);
    expect(door.request(glimpse({ via: 'a' }), peer(trunk))).toBe('pass');
  });

  it('refuses new calls with 503 and Retry-After under load, and only calls', () => {
    const { door } = setUp(new LoadGate(new VirtualClock(), { setUpsPerSecond: 1, lagHighMs: 1, lagLowMs: 1 }));
    expect(door.request(glimpse(), peer(trunk))).toBe('pass');
    expect(door.request(glimpse(), peer(trunk))).toEqual({ statusCode: 503, reasonPhrase: 'Overloaded', extraHeaders: ['Retry-After: 2'] });
    expect(door.request(glimpse({}, { method: 'OPTIONS' }), peer(trunk))).toBe('pass');
    expect(door.counts.overloaded).toBe(1);
  });
});
