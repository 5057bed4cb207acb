import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CallLeg, LegEvents, TrunkPlan } from '@dialfleet/call';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import type { IncomingCall } from '../set-up/incoming-call.js';
import { SipEndpoint } from '../sip-endpoint.js';
import { DialogPeer, header, PEER_SDP, statusOf, type Extras } from '../testing/dialog-peer.js';
import { FakeMedia, type FakeMediaSession } from '../testing/fake-media.js';

let clock: VirtualClock;
let media: FakeMedia;
let sip: SipEndpoint;
let peer: DialogPeer;

beforeEach(async () => {
  clock = new VirtualClock();
  media = new FakeMedia();
  sip = await SipEndpoint.start({ transport: 'udp', bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media, clock, logger: silentLogger });
  peer = await DialogPeer.open(() => sip.port);
});
afterEach(async () => {
  const stopped = sip.stop(20);
  clock.advance(20);
  await stopped;
  await peer.close();
});

const happened = <K extends keyof LegEvents>(leg: CallLeg, event: K): Promise<LegEvents[K]> => new Promise((resolve) => { leg.events.on(event, resolve); });
const session = (): FakeMediaSession => media.sessions[0];
const hold = (direction: string, port = 4000, address = '127.0.0.1'): string =>
  PEER_SDP.replace('m=audio 4000', `m=audio ${port}`).replace('c=IN IP4 127.0.0.1', `c=IN IP4 ${address}`) + (direction === '' ? '' : `a=${direction}\r\n`);
const settled = async (): Promise<void> => { for (let i = 0; i < 20; i++) await new Promise((resolve) => { setImmediate(resolve); }); };

/** We call the peer, which answers with these headers and acknowledges nothing by itself. */
async function outbound(answer: Extras = {}, trunk: Partial<TrunkPlan> = {}): Promise<{ leg: CallLeg; invite: string }> {
  const leg = sip.createCall({ dialUser: '+14155550123', fromNumber: '+14155550100', trunk: { host: '127.0.0.1', port: peer.port, transport: 'udp', codecs: ['PCMU', 'PCMA'], ...trunk } });
  const answered = happened(leg, 'answered');
  await leg.start();
  const invite = await peer.next('INVITE');
  peer.answer(invite, answer);
  await answered;
  await peer.next('ACK');
  return { leg, invite };
}

/** The peer calls us; we answer. */
async function inbound(invite: Extras = {}, trunk: Parameters<IncomingCall['obey']>[0] = {}): Promise<{ leg: CallLeg; ok: string }> {
  const taken = new Promise<CallLeg>((resolve) => {
    sip.onInvite(async (call) => {
      call.obey(trunk);
      await call.answer();
      resolve(call.leg);
    });
  });
  peer.invite(invite);
  const leg = await taken;
  return { leg, ok: await peer.established() };
}

describe.each([['a call that we placed', outbound], ['a call that we took', inbound]] as const)('within %s', (_name, establish) => {
  it('follows hold, resume, a new address and another codec, by re-INVITE and by UPDATE', async () => {
    await establish();
    const held = await peer.ask('INVITE', { body: hold('sendonly') });
    peer.ack();
    expect([statusOf(held), held.includes('a=recvonly'), session().remote?.direction]).toEqual([200, true, 'recvonly']);
    expect(held).toMatch(/^Allow: .*UPDATE/m);
    expect(await peer.ask('UPDATE', { body: hold('inactive') })).toContain('a=inactive');
    expect(session().expected).toBe(false);
    expect(await peer.ask('UPDATE', { body: hold('sendrecv', 4000, '0.0.0.0') })).toContain('a=recvonly');
    const moved = await peer.ask('UPDATE', { body: hold('sendrecv', 4800).replace('RTP/AVP 0 101', 'RTP/AVP 8 101') });
    expect([statusOf(moved), moved.includes('m=audio 20000 RTP/AVP 8 101')]).toEqual([200, true]);
    expect(session().remote).toMatchObject({ port: 4800, codec: { name: 'PCMA' }, direction: 'sendrecv' });
    expect(session().expected).toBe(true);
  });

  it('takes an UPDATE without an offer for a sign of life, and a re-INVITE without one for the wish for ours', async () => {
    await establish();
    const before = session().remotes.length;
    const refreshed = await peer.ask('UPDATE', { headers: ['Supported: timer', 'Session-Expires: 600;refresher=uac'] });
    expect([statusOf(refreshed), header(refreshed, 'Session-Expires'), header(refreshed, 'Content-Length'), session().remotes.length]).toEqual([200, '600;refresher=uac', '0', before]);
    const offer = await peer.ask('INVITE', { body: '' });
    expect(offer).toContain('m=audio 20000 RTP/AVP 0 8 13 101');
    // Ours is open until the ACK: theirs meets it.
    expect(statusOf(await peer.ask('UPDATE', { body: hold('sendonly') }))).toBe(491);
    const early = await peer.ask('INVITE', { body: hold('sendonly') });
    expect([statusOf(early), Number(header(early, 'Retry-After')) > 0]).toEqual([500, true]);
  });

  it('applies the answer that comes in the ACK of a re-INVITE', async () => {
    await establish();
    await peer.ask('INVITE', { body: '' });
    peer.ack({ body: hold('sendrecv', 4900) });
    while (session().remote?.port !== 4900) await settled();
    expect(session().remote).toMatchObject({ port: 4900, direction: 'sendrecv' });
  });

  it('refuses an offer that it cannot meet and stays as it was', async () => {
    const { leg } = await establish();
    const bad = PEER_SDP.replace('RTP/AVP 0 101', 'RTP/AVP 34').replace('a=rtpmap:101 telephone-event/8000\r\n', '');
    const before = session().remotes.length;
    expect(statusOf(await peer.ask('UPDATE', { body: bad }))).toBe(488);
    expect(statusOf(await peer.ask('INVITE', { body: bad }))).toBe(488);
    expect(statusOf(await peer.ask('INVITE', { body: 'v=1' }))).toBe(488);
    expect(session().remotes).toHaveLength(before);
    expect(statusOf(await peer.ask('UPDATE', { body: hold('sendrecv', 4100) }))).toBe(200);
    expect(session().remote?.port).toBe(4100);
    const hungUp = happened(leg, 'hungUp');
    expect(statusOf(await peer.ask('BYE'))).toBe(200);
    await hungUp;
  });

  it('sends to the Contact of the last target refresh that it accepted', async () => {
    const { leg } = await establish();
    await peer.ask('UPDATE', { contact: `<sip:moved@127.0.0.1:${peer.port}>` });
    leg.hangUp();
    expect(await peer.next('BYE')).toContain(`BYE sip:moved@127.0.0.1:${peer.port}`);
  });

  it('says what it can within the dialog, and what it cannot', async () => {
    await establish();
    const options = await peer.ask('OPTIONS');
    expect([statusOf(options), header(options, 'Supported'), header(options, 'Accept')]).toEqual([200, '100rel, timer', 'application/sdp,application/dtmf-relay']);
    expect(header(options, 'Allow').split(/, ?/).sort()).toEqual(['ACK', 'BYE', 'CANCEL', 'INFO', 'INVITE', 'NOTIFY', 'OPTIONS', 'PRACK', 'REFER', 'UPDATE']);
    expect(header(await peer.ask('MESSAGE', { body: 'hi', contentType: 'text/plain' }), 'Allow')).toContain('UPDATE');
    expect([await peer.ask('MESSAGE'), await peer.ask('SUBSCRIBE'), await peer.ask('JUMP')].map(statusOf)).toEqual([405, 405, 501]);
    expect(statusOf(await peer.ask('NOTIFY', { headers: ['Event: refer'] }))).toBe(481);
    expect(statusOf(await peer.ask('NOTIFY', { headers: ['Event: dialog'] }))).toBe(489);
    expect(statusOf(await peer.ask('UPDATE', { headers: ['Require: replaces'] }))).toBe(420);
  });

  it('takes keys by INFO, and refuses what is none', async () => {
    const { leg } = await establish();
    const keys: string[] = [];
    leg.events.on('dtmf', ({ digit }) => keys.push(digit));
    expect(statusOf(await peer.ask('INFO', { body: 'Signal=5\r\nDuration=250\r\n', contentType: 'application/dtmf-relay' }))).toBe(200);
    expect(statusOf(await peer.ask('INFO', { body: '#', contentType: 'application/dtmf' }))).toBe(200);
    expect(statusOf(await peer.ask('INFO', { body: '<x/>', contentType: 'application/media_control+xml' }))).toBe(415);
    expect(keys).toEqual(['5', '#']);
  });

  it('refuses REFER unless the trunk may ask for it', async () => {
    await establish();
    expect(statusOf(await peer.ask('REFER', { headers: ['Refer-To: <sip:200@127.0.0.1>'] }))).toBe(603);
  });

  it('ends when the ACK to a re-INVITE never comes', async () => {
    const { leg } = await establish();
    const fault = happened(leg, 'fault');
    await peer.ask('INVITE', { body: hold('sendrecv') });
    clock.advance(32_000);
    expect(await fault).toMatchObject({ reason: 'trunk_failed', detail: expect.stringContaining('re-INVITE') });
    await peer.next('BYE');
  });
});

describe('the session timer', () => {
  const refresher = (who: string): Extras => ({ headers: ['Supported: timer', 'Require: timer', `Session-Expires: 1800;refresher=${who}`, 'Allow: INVITE, ACK, BYE, CANCEL, INFO, OPTIONS'] });

  it('is asked for in our INVITE, as the trunk wants it', async () => {
    const { invite } = await outbound({}, { sessionExpiresSeconds: 600 });
    expect([header(invite, 'Supported'), header(invite, 'Session-Expires'), header(invite, 'Min-SE')]).toEqual([expect.stringMatching(/\btimer\b/), '600', '90']);
    const without = (await outboundNext({ sessionExpiresSeconds: 0 })).invite;
    expect([without.includes('timer'), without.includes('Session-Expires')]).toEqual([false, false]);
  });

  async function outboundNext(trunk: Partial<TrunkPlan>): Promise<{ invite: string }> {
    const leg = sip.createCall({ dialUser: '1', fromNumber: '2', trunk: { host: '127.0.0.1', port: peer.port, transport: 'udp', codecs: ['PCMU'], ...trunk } });
    await leg.start();
    const invite = await peer.next('INVITE', 1);
    peer.reply(invite, '486 Busy Here');
    await happened(leg, 'failed');
    return { invite };
  }

  it('is tried once more with the interval that a 422 names', async () => {
    const leg = sip.createCall({ dialUser: '1', fromNumber: '2', trunk: { host: '127.0.0.1', port: peer.port, transport: 'udp', codecs: ['PCMU'], sessionExpiresSeconds: 90 } });
    const [answered, failed] = [happened(leg, 'answered'), happened(leg, 'failed')];
    await leg.start();
    const first = await peer.next('INVITE');
    peer.reply(first, '422 Session Interval Too Small', { headers: ['Min-SE: 900'] });
    const second = await peer.next('INVITE', 1);
    expect([header(second, 'Session-Expires'), header(second, 'Min-SE'), header(second, 'Call-ID'), header(second, 'From')]).toEqual(['900', '900', header(first, 'Call-ID'), header(first, 'From')]);
    expect(Number.parseInt(header(second, 'CSeq'), 10)).toBeGreaterThan(Number.parseInt(header(first, 'CSeq'), 10));
    peer.answer(second);
    expect(await Promise.race([answered, failed])).toEqual({ sipStatus: 200 });
  });

  it('refreshes by re-INVITE at half the interval with what was agreed, and again after a glare', async () => {
    const { leg } = await outbound(refresher('uac'));
    const faults: unknown[] = [];
    leg.events.on('fault', (fault) => faults.push(fault));
    clock.advance(900_000);
    const refresh = await peer.next('INVITE', 1);
    expect(header(refresh, 'Session-Expires')).toBe('1800;refresher=uac');
    expect(refresh).toContain('m=audio 20000');
    expect(statusOf(await peer.ask('INVITE', { body: hold('sendonly') }))).toBe(491);
    expect(statusOf(await peer.ask('UPDATE', { body: hold('sendonly') }))).toBe(491);
    peer.reply(refresh, '491 Request Pending');
    await peer.next('ACK', 1);
    await settled();
    clock.advance(2_090);
    await settled();
    expect(peer.count('INVITE')).toBe(2);
    clock.advance(1_910);
    const again = await peer.next('INVITE', 2);
    peer.reply(again, '200 OK', { body: hold('sendrecv', 4321), headers: ['Session-Expires: 1800;refresher=uac'] });
    const ack = await peer.next('ACK', 2);
    expect(header(ack, 'CSeq')).toBe(header(again, 'CSeq').replace('INVITE', 'ACK'));
    // The ACK was lost: the same 2xx gets the same ACK, and is no new offer.
    peer.reply(again, '200 OK', { body: hold('sendrecv', 4321), headers: ['Session-Expires: 1800;refresher=uac'] });
    expect(header(await peer.next('ACK', 3), 'CSeq')).toBe(header(ack, 'CSeq'));
    expect(session().remote?.port).toBe(4321);
    expect(statusOf(await peer.ask('UPDATE', { body: hold('sendonly') }))).toBe(200);
    clock.advance(1_767_000);
    expect(faults).toEqual([]);
  });

  it('refreshes by UPDATE where the far end takes it', async () => {
    await outbound({ headers: ['Session-Expires: 90;refresher=uac', 'Allow: INVITE, UPDATE'] });
    clock.advance(45_000);
    const update = await peer.next('UPDATE');
    expect([header(update, 'Session-Expires'), header(update, 'Content-Length')]).toEqual(['90;refresher=uac', '0']);
    peer.reply(update, '200 OK', { headers: ['Session-Expires: 120;refresher=uac'] });
    await settled();
    clock.advance(60_000);
    await peer.next('UPDATE', 1);
  });

  it('ends the call when the far end does not refresh, and not when it does', async () => {
    const { leg } = await outbound(refresher('uas'));
    const fault = happened(leg, 'fault');
    clock.advance(1_700_000);
    await peer.ask('UPDATE', { headers: ['Supported: timer', 'Session-Expires: 1800;refresher=uac'] });
    clock.advance(1_767_000);
    await settled();
    expect(peer.count('BYE')).toBe(0);
    clock.advance(1_000);
    expect(await fault).toEqual({ reason: 'trunk_failed', detail: 'session expired: the far end did not refresh it' });
    expect(header(await peer.next('BYE'), 'Reason')).toContain('Session timer expired');
  });

  it('ends the call when the far end does not know it any more', async () => {
    const { leg } = await outbound(refresher('uac'));
    const fault = happened(leg, 'fault');
    clock.advance(900_000);
    peer.reply(await peer.next('INVITE', 1), '481 Call/Transaction Does Not Exist');
    expect(await fault).toMatchObject({ reason: 'trunk_failed', detail: expect.stringContaining('481') });
    await settled();
    expect(sip.stats().legs).toBe(0);
  });

  it('is agreed with callers, and refused where it is too short', async () => {
    sip.onInvite((call) => call.answer());
    peer.invite({ headers: ['Supported: timer', 'Session-Expires: 30'] });
    const refused = await peer.next('SIP/2.0 422');
    expect(header(refused, 'Min-SE')).toBe('90');
    const { ok } = await inbound({ headers: ['Supported: timer', 'Session-Expires: 120'] });
    expect([header(ok, 'Session-Expires'), header(ok, 'Require')]).toEqual(['120;refresher=uac', 'timer']);
  });

  it('is kept by us for callers who have none', async () => {
    const { ok } = await inbound({ headers: ['Allow: INVITE, UPDATE'] }, { sessionExpiresSeconds: 90 });
    expect(header(ok, 'Session-Expires')).toBe('90;refresher=uas');
    // Whatever they say to it, they are alive: a session that they do not time does not expire.
    for (const [nth, status] of ['200 OK', '488 Not Acceptable Here', '500 Server Internal Error', '200 OK'].entries()) {
      clock.advance(45_000);
      peer.reply(await peer.next('UPDATE', nth), status);
      await settled();
    }
    clock.advance(59_000);
    await settled();
    expect(peer.count('BYE')).toBe(0);
  });
});

describe('transfer by REFER', () => {
  const notify = (status: string, state = 'active;expires=60'): Promise<string> =>
    peer.ask('NOTIFY', { headers: ['Event: refer', `Subscription-State: ${state}`], body: `SIP/2.0 ${status}\r\n`, contentType: 'message/sipfrag;version=2.0' });
  const transfer = async (leg: CallLeg) => {
    const progress: number[] = [];
    const outcome = leg.transfer?.('+14155550199', (status) => progress.push(status));
    return { progress, outcome, refer: await peer.next('REFER') };
  };

  it('names the target and who sends them, and tells how it goes', async () => {
    const { leg } = await outbound();
    const { progress, outcome, refer } = await transfer(leg);
    expect(header(refer, 'Refer-To')).toBe(`<sip:+14155550199@127.0.0.1:${peer.port}>`);
    expect(header(refer, 'Referred-By')).toMatch(/^<sip:\+14155550100@127\.0\.0\.1>$/);
    peer.reply(refer, '202 Accepted');
    expect(statusOf(await notify('100 Trying'))).toBe(200);
    expect(session().expected).toBe(false);
    await notify('180 Ringing');
    await notify('200 OK', 'terminated;reason=noresource');
    expect(await outcome).toEqual({ ok: true });
    expect(progress).toEqual([100, 180, 200]);
    leg.hangUp();
    peer.reply(await peer.next('BYE'), '200 OK');
    expect(await happened(leg, 'released')).toEqual({ sipStatus: 200 });
  });

  it('takes a BYE after 202 for the end of it', async () => {
    const { leg } = await inbound();
    const { outcome, refer } = await transfer(leg);
    peer.reply(refer, '202 Accepted');
    await settled();
    await peer.ask('BYE');
    expect(await outcome).toEqual({ ok: true });
  });

  it.each([['405 Method Not Allowed', 405], ['603 Decline', 603], ['420 Bad Extension', 420]])('fails with %s and the call goes on', async (status, sipStatus) => {
    const { leg } = await outbound();
    const { outcome, refer } = await transfer(leg);
    peer.reply(refer, status);
    expect(await outcome).toMatchObject({ ok: false, sipStatus });
    expect(session().expected).toBe(true);
    expect(statusOf(await peer.ask('UPDATE', { body: hold('sendrecv') }))).toBe(200);
  });

  it('is not tried where Allow has no REFER, and not with a target that no URI may hold', async () => {
    const { leg } = await outbound({ headers: ['Allow: INVITE, ACK, BYE'] });
    expect(await leg.transfer?.('100')).toEqual({ ok: false, sipStatus: null, reason: 'the far end does not allow REFER' });
    const other = await inboundOnOwnPeer();
    expect(await other.transfer?.('100>\r\nX: y')).toMatchObject({ ok: false, sipStatus: null });
  });

  async function inboundOnOwnPeer(): Promise<CallLeg> {
    await peer.close();
    peer = await DialogPeer.open(() => sip.port);
    return (await inbound()).leg;
  }

  it('does not wait for ever', async () => {
    const { leg } = await outbound();
    const { outcome } = await transfer(leg);
    clock.advance(8_000);
    expect(await outcome).toEqual({ ok: false, sipStatus: null, reason: 'REFER was not answered' });
  });

  it.each([['placed', outbound], ['taken', inbound]] as const)('comes again with credentials under the next CSeq of the dialog, in a call %s', async (_way, establish) => {
    const { leg } = await establish({}, { username: 'u', password: 'p' });
    const { refer } = await transfer(leg);
    peer.reply(refer, '407 Proxy Authentication Required', { headers: ['Proxy-Authenticate: Digest realm="r", nonce="n", algorithm=MD5'] });
    const again = await peer.next('REFER', 1);
    expect(header(again, 'Proxy-Authorization')).toContain('username="u"');
    peer.reply(again, '202 Accepted');
    leg.hangUp();
    expect(Number.parseInt(header(await peer.next('BYE'), 'CSeq'), 10)).toBe(Number.parseInt(header(again, 'CSeq'), 10) + 1);
  });
});

describe('REFER from a far end that may ask', () => {
  it('is taken, told to the owner, and reported back', async () => {
    const { leg } = await outbound({}, { allowRefer: true });
    const referred = happened(leg, 'referred');
    const accepted = await peer.ask('REFER', { headers: ['Refer-To: <sip:200@127.0.0.1>', 'Referred-By: <sip:peer@127.0.0.1>'] });
    expect(statusOf(accepted)).toBe(202);
    const trying = await peer.next('NOTIFY');
    expect([header(trying, 'Event'), header(trying, 'Subscription-State'), trying.includes('SIP/2.0 100 Trying')]).toEqual(['refer', 'active;expires=180', true]);
    peer.reply(trying, '200 OK');
    const { target, report } = await referred;
    expect(target).toBe('200');
    expect(statusOf(await peer.ask('REFER', { headers: ['Refer-To: <sip:201@127.0.0.1>'] }))).toBe(500);
    report(180);
    peer.reply(await peer.next('NOTIFY', 1), '200 OK');
    report(486);
    report(200);
    const last = await peer.next('NOTIFY', 2);
    expect([header(last, 'Subscription-State'), last.includes('SIP/2.0 486 Busy Here')]).toEqual(['terminated;reason=noresource', true]);
    peer.reply(last, '200 OK');
    await settled();
    expect(peer.count('NOTIFY')).toBe(3);
  });

  it('must name a target', async () => {
    await inbound({}, { allowRefer: true });
    expect(statusOf(await peer.ask('REFER'))).toBe(400);
  });
});

describe('keys of ours', () => {
  it('go by INFO where no telephone-event was agreed and INFO is allowed', async () => {
    const { leg } = await outbound({ body: PEER_SDP.replace(' 101', '').replace(/a=rtpmap.*\r\n/, ''), headers: ['Allow: INVITE, INFO'] });
    const sent = leg.sendDtmf('1#');
    const first = await peer.next('INFO');
    expect([header(first, 'Content-Type'), first.includes('Signal=1\r\nDuration=160')]).toEqual(['application/dtmf-relay', true]);
    peer.reply(first, '200 OK');
    peer.reply(await peer.next('INFO', 1), '415 Unsupported Media Type');
    const bare = await peer.next('INFO', 2);
    expect([header(bare, 'Content-Type'), bare.endsWith('\r\n\r\n#')]).toEqual(['application/dtmf', true]);
    peer.reply(bare, '200 OK');
    await sent;
    expect(session().dtmf).toEqual([]);
  });

  it('end the call when the far end does not know it any more', async () => {
    const { leg } = await outbound({ body: PEER_SDP.replace(' 101', '').replace(/a=rtpmap.*\r\n/, ''), headers: ['Allow: INVITE, INFO'] });
    const [sent, fault] = [leg.sendDtmf('1'), happened(leg, 'fault')];
    peer.reply(await peer.next('INFO'), '481 Call/Transaction Does Not Exist');
    await expect(sent).rejects.toThrow('481');
    expect(await fault).toMatchObject({ reason: 'trunk_failed', detail: expect.stringContaining('INFO') });
  });

  it('go as telephone-event where it was agreed', async () => {
    const { leg } = await outbound({ headers: ['Allow: INVITE, INFO'] });
    await leg.sendDtmf('5');
    expect(session().dtmf).toEqual(['5']);
  });
});

describe('UPDATE before the final answer', () => {
  it('is answered by the caller once it has an answer to its offer', async () => {
    const leg = sip.createCall({ dialUser: '1', fromNumber: '2', trunk: { host: '127.0.0.1', port: peer.port, transport: 'udp', codecs: ['PCMU', 'PCMA'] } });
    const ringing = happened(leg, 'provisional');
    await leg.start();
    const invite = await peer.next('INVITE');
    peer.early(invite, '183 Session Progress', { body: PEER_SDP });
    await ringing;
    const updated = await peer.ask('UPDATE', { body: hold('sendrecv', 4700) });
    expect([statusOf(updated), session().remote?.port]).toEqual([200, 4700]);
    const answered = happened(leg, 'answered');
    // The 2xx repeats what the 183 said: the UPDATE came after it.
    peer.reply(invite, '200 OK', { body: PEER_SDP });
    expect(await answered).toEqual({ sipStatus: 200 });
    expect(session().remote?.port).toBe(4700);
  });

  it('is too early for the callee while its own answer is open, and fine after 183', async () => {
    let call: IncomingCall | undefined;
    sip.onInvite((offered) => { call = offered; offered.ring(); });
    peer.invite();
    peer.learn(await peer.next('SIP/2.0 180'));
    const early = await peer.ask('UPDATE', { body: hold('sendrecv', 4700) });
    expect([statusOf(early), Number(header(early, 'Retry-After')) > 0]).toEqual([500, true]);
    expect(statusOf(await peer.ask('UPDATE'))).toBe(200);
    await call?.earlyMedia();
    await peer.next('SIP/2.0 183');
    expect(statusOf(await peer.ask('UPDATE', { body: hold('sendrecv', 4710) }))).toBe(200);
    expect(session().remote?.port).toBe(4710);
  });
});

it('OPTIONS outside of any call is answered with what we can', async () => {
  peer.learn('');
  const options = await peer.ask('OPTIONS');
  expect([statusOf(options), header(options, 'Allow').includes('UPDATE'), header(options, 'Supported')]).toEqual([200, true, '100rel, timer']);
});
