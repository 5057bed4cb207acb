import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import type { IncomingCall } from './incoming-call.js';
import { endCalls, startEndpoint } from '../testing/dialled-call.js';
import { DialogPeer, header, PEER_SDP, statusOf } from '../testing/dialog-peer.js';
import { eventually, LegObserver } from '../testing/leg-observer.js';
import type { SipEndpoint } from '../sip-endpoint.js';
import type { FakeMedia } from '../testing/fake-media.js';

const peers: DialogPeer[] = [];
afterEach(async () => {
  await endCalls();
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

interface Called { sip: SipEndpoint; media: FakeMedia; peer: DialogPeer; call: IncomingCall; callee: LegObserver; clock: VirtualClock }

/** A caller by hand has sent us an INVITE. */
async function called(headers: string[] = [], body = PEER_SDP): Promise<Called> {
  const clock = new VirtualClock();
  const { sip, media } = await startEndpoint({ clock });
  const offered = new Promise<IncomingCall>((resolve) => { sip.onInvite(resolve); });
  const peer = await DialogPeer.open(() => sip.port);
  peers.push(peer);
  peer.invite({ headers, body });
  const call = await offered;
  return { sip, media, peer, call, callee: new LegObserver(call.leg), clock };
}

const reliably = (headers: string[] = []): string[] => ['Require: 100rel', ...headers];
/** PRACK for a response; the final answer to it. */
const prack = (peer: DialogPeer, response: string, body = ''): Promise<string> => {
  peer.learn(response);
  return peer.ask('PRACK', { body, headers: [`RAck: ${header(response, 'RSeq')} ${header(response, 'CSeq')}`] });
};
const quiet = { legs: 0, dialogs: 0 };

describe('a caller that requires reliable provisional responses (RFC 3262)', () => {
  it('gets ringing until its PRACK, and then the answer', async () => {
    const { peer, call, callee, clock } = await called(reliably());
    call.ring();
    const ringing = await peer.next('SIP/2.0 180');
    expect([header(ringing, 'Require'), Number(header(ringing, 'RSeq'))]).toEqual(['100rel', expect.any(Number)]);
    clock.advance(500);
    expect(await peer.next('SIP/2.0 180', 1)).toBe(ringing);
    expect(statusOf(await prack(peer, ringing))).toBe(200);
    clock.advance(10_000);
    await call.answer();
    await peer.established();
    expect(peer.count('SIP/2.0 180')).toBe(2);
    expect(callee.types).toEqual(['answered']);
  });

  it('gets our answer in a reliable 183, and the 200 only after its PRACK', async () => {
    const { peer, call, callee, media, sip } = await called(reliably());
    await call.earlyMedia();
    const early = await peer.next('SIP/2.0 183');
    expect([header(early, 'Require'), early.includes('m=audio 20000')]).toEqual(['100rel', true]);
    const answering = call.answer();
    await answering;
    expect([callee.types, peer.count('SIP/2.0 200')]).toEqual([[], 0]);
    expect(statusOf(await prack(peer, early))).toBe(200);
    const ok = await peer.next('SIP/2.0 200', 1);
    expect(header(ok, 'CSeq')).toContain('INVITE');
    expect(callee.types).toEqual(['answered']);
    peer.request('ACK', {}, Number.parseInt(header(ok, 'CSeq'), 10));
    expect([media.sessions[0].remotes.length, media.sessions[0].expected]).toEqual([1, true]);
    expect(sip.stats()).toMatchObject({ legs: 1, dialogs: 1, messagesFailed: 0 });
  });

  it('without an offer gets ours in the first reliable response, and answers in the PRACK: the 200 describes nothing', async () => {
    const { peer, call, media } = await called(reliably(), '');
    call.ring();
    const ringing = await peer.next('SIP/2.0 180');
    expect(ringing).toContain('m=audio 20000');
    const answered = await prack(peer, ringing, PEER_SDP);
    expect([statusOf(answered), header(answered, 'Content-Length')]).toEqual([200, '0']);
    expect(media.sessions[0].remote).toMatchObject({ port: 4000 });
    await call.answer();
    const ok = await peer.next('SIP/2.0 200', 1);
    expect([header(ok, 'CSeq').split(' ')[1], header(ok, 'Content-Length')]).toEqual(['INVITE', '0']);
  });

  it('may make a new offer in the PRACK, which its 200 answers', async () => {
    const { peer, call, media } = await called(reliably());
    await call.earlyMedia();
    const answer = await prack(peer, await peer.next('SIP/2.0 183'), PEER_SDP.replace('4000', '4400'));
    expect([statusOf(answer), answer.includes('m=audio 20000')]).toEqual([200, true]);
    expect(media.sessions[0].remotes.map(({ port }) => port)).toEqual([4000, 4400]);
  });

  it('with media in its PRACK that cannot be used is refused', async () => {
    const { peer, call, callee, sip } = await called(reliably(), '');
    call.ring();
    const answer = await prack(peer, await peer.next('SIP/2.0 180'), PEER_SDP.replace('AVP 0 101', 'AVP 18'));
    expect(statusOf(answer)).toBe(488);
    await callee.until('failed');
    expect(header(await peer.next('SIP/2.0 488', 1), 'CSeq')).toContain('INVITE');
    await eventually(() => sip.stats().legs === 0);
  });

  it('that never sends a PRACK is refused with 504', async () => {
    const { peer, call, callee, clock, sip } = await called(reliably());
    call.ring();
    await peer.next('SIP/2.0 180');
    clock.advance(32_000);
    expect(await callee.until('failed')).toMatchObject({ sipStatus: 504 });
    await peer.next('SIP/2.0 504');
    expect(sip.stats()).toMatchObject(quiet);
  });

  it('with a PRACK for something else gets 481', async () => {
    const { peer, call } = await called(reliably());
    call.ring();
    const ringing = await peer.next('SIP/2.0 180');
    peer.learn(ringing);
    expect(statusOf(await peer.ask('PRACK', { headers: [`RAck: ${Number(header(ringing, 'RSeq')) + 1} ${header(ringing, 'CSeq')}`] }))).toBe(481);
    expect(statusOf(await prack(peer, ringing))).toBe(200);
    expect(statusOf(await prack(peer, ringing))).toBe(481);
  });

  it('may send its PRACK after our answer, when nothing was described', async () => {
    const { peer, call } = await called(reliably());
    call.ring();
    const ringing = await peer.next('SIP/2.0 180');
    await call.answer();
    await peer.established();
    expect(statusOf(await prack(peer, ringing))).toBe(200);
  });

  it('and gives up is told so, and nothing is repeated', async () => {
    const { peer, call, callee, clock, sip } = await called(reliably());
    await call.earlyMedia();
    await peer.next('SIP/2.0 183');
    const answering = call.answer();
    peer.cancel();
    await peer.next('SIP/2.0 487');
    await answering;
    expect(callee.types).toEqual(['hungUp']);
    const count = peer.count('SIP/2.0 183');
    clock.advance(20_000);
    expect([peer.count('SIP/2.0 183'), peer.count('SIP/2.0 200 OK')]).toEqual([count, 1]);
    expect(sip.stats()).toMatchObject(quiet);
  });
});

describe('a caller that only could take them', () => {
  it('gets plain ones', async () => {
    const { peer, call } = await called(['Supported: 100rel']);
    call.ring();
    const ringing = await peer.next('SIP/2.0 180');
    expect([header(ringing, 'Require'), header(ringing, 'RSeq')]).toEqual(['', '']);
  });
});

describe('before our answer', () => {
  it('a BYE in the early dialog ends the call as a CANCEL does (RFC 3261 §15.1.2)', async () => {
    const { peer, call, callee, sip } = await called();
    call.ring();
    peer.learn(await peer.next('SIP/2.0 180'));
    expect(statusOf(await peer.ask('BYE'))).toBe(200);
    expect(header(await peer.next('SIP/2.0 487'), 'CSeq')).toContain('INVITE');
    expect(await callee.until('hungUp')).toEqual({ type: 'hungUp', sipReason: 'BYE' });
    expect(sip.stats()).toMatchObject(quiet);
  });

  it.each([['REFER', 603, ['Refer-To: <sip:+19005550000@evil.example>']], ['MESSAGE', 405, []], ['NOTIFY', 489, ['Event: dialog']]])('%s gets %d', async (method, status, headers) => {
    const { peer, call, sip } = await called();
    call.ring();
    peer.learn(await peer.next('SIP/2.0 180'));
    expect(statusOf(await peer.ask(method, { headers }))).toBe(status);
    expect(sip.stats()).toMatchObject({ legs: 1 });
  });

  it('a refusal can say when to try again', async () => {
    const { peer, call } = await called();
    call.reject(503, { reason: 'No Capacity', retryAfterSeconds: 4.2 });
    const refusal = await peer.next('SIP/2.0 503');
    expect([refusal.split('\r\n')[0], header(refusal, 'Retry-After')]).toEqual(['SIP/2.0 503 No Capacity', '5']);
    expect(() => { call.reject(486); }).not.toThrow();
    expect(() => { call.reject(200); }).toThrow(RangeError);
  });

  it('a CANCEL that crosses our 200 has no effect: the call is answered', async () => {
    const { peer, call, callee } = await called();
    call.ring();
    await call.answer();
    peer.cancel();
    const oks = [await peer.next('SIP/2.0 200'), await peer.next('SIP/2.0 200', 1)].map((ok) => header(ok, 'CSeq').split(' ')[1]);
    expect(oks).toEqual(['INVITE', 'CANCEL']);
    expect(callee.types).toEqual(['answered']);
  });

  it('a repeated INVITE gets the last provisional response again', async () => {
    const { peer, call } = await called();
    call.ring();
    await peer.next('SIP/2.0 180');
    // The same message: same branch, same CSeq.
    (peer as unknown as { cseq: number }).cseq--;
    peer.invite();
    await peer.next('SIP/2.0 180', 1);
  });
});

/** The timers of sip.js, which know no clock. */
describe('our answer', () => {
  beforeEach(() => { jest.useFakeTimers({ doNotFake: ['Date', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate', 'hrtime'] }); });
  afterEach(() => { jest.useRealTimers(); });

  it('is repeated until the ACK, over as long as that takes', async () => {
    const { peer, call } = await called();
    await call.answer();
    const ok = await peer.next('SIP/2.0 200');
    jest.advanceTimersByTime(500);
    expect(await peer.next('SIP/2.0 200', 1)).toBe(ok);
    jest.advanceTimersByTime(1_000);
    await peer.next('SIP/2.0 200', 2);
    await peer.established();
    const { leg } = call;
    leg.hangUp();
    peer.reply(await peer.next('BYE'), '200 OK');
    jest.advanceTimersByTime(20_000);
    expect(peer.count('SIP/2.0 200')).toBe(3);
  });

  it('that is never acknowledged ends in a BYE after 32 s, and the call as a fault', async () => {
    const { peer, call, callee, sip } = await called();
    await call.answer();
    await peer.next('SIP/2.0 200');
    jest.advanceTimersByTime(32_000);
    expect(await callee.until('fault')).toMatchObject({ reason: 'trunk_failed', detail: 'our answer was never acknowledged' });
    await peer.next('BYE');
    expect(peer.count('SIP/2.0 200')).toBeGreaterThan(8);
    expect(sip.stats()).toMatchObject(quiet);
  });

  it('and our hang-up at once wait for the ACK that is lost twice', async () => {
    const { peer, call, callee } = await called();
    await call.answer();
    call.leg.hangUp();
    await peer.next('SIP/2.0 200');
    jest.advanceTimersByTime(1_500);
    await peer.next('SIP/2.0 200', 2);
    expect(peer.count('BYE')).toBe(0);
    await peer.established();
    peer.reply(await peer.next('BYE'), '200 OK');
    expect(await callee.until('released')).toMatchObject({ sipStatus: 200 });
  });
});
