import { afterEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import type { SipTransportName } from '@dialfleet/call';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { Timers } from 'sip.js/lib/core/timers.js';
import { HostResolver } from './locate/host-resolver.js';
import type { IncomingCall } from './set-up/incoming-call.js';
import type { OutboundCallOptions } from './set-up/outbound-leg.js';
import { SipEndpoint, type SipEndpointOptions } from './sip-endpoint.js';
import { FakeMedia } from './testing/fake-media.js';
import { eventually, LegObserver as Observer } from './testing/leg-observer.js';
import { ScriptedPeer, SDP } from './testing/scripted-peer.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await ScriptedPeer.closeAll();
});

async function endpoint(transport: SipTransportName, options: Partial<SipEndpointOptions> = {}): Promise<{ sip: SipEndpoint; media: FakeMedia }> {
  const media = new FakeMedia();
  const sip = await SipEndpoint.start({ transport, bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media, logger: silentLogger, ...options });
  cleanUps.push(() => {
    const stopped = sip.stop(20);
    if (options.clock instanceof VirtualClock) options.clock.advance(20);
    return stopped;
  });
  return { sip, media };
}

type More = Partial<Omit<OutboundCallOptions, 'trunk'>> & { trunk?: Partial<OutboundCallOptions['trunk']> };
const call = (from: SipEndpoint, transport: SipTransportName, port: number, more: More = {}): Observer => {
  const { trunk, ...rest } = more;
  return new Observer(from.createCall({ dialUser: '+14155550123', fromNumber: '+14155550100', ...rest, trunk: { host: '127.0.0.1', port, transport, codecs: ['PCMU', 'PCMA'], ...trunk } }));
};

const quiet = { legs: 0, dialogs: 0 };

describe.each<SipTransportName>(['udp', 'tcp'])('two endpoints over %s', (transport) => {
  const pair = async (handler: (call: IncomingCall) => void | Promise<void>): Promise<{ a: SipEndpoint; b: SipEndpoint; mediaA: FakeMedia; mediaB: FakeMedia; dial: (more?: More) => Observer }> => {
    const { sip: a, media: mediaA } = await endpoint(transport);
    const { sip: b, media: mediaB } = await endpoint(transport);
    b.onInvite(handler);
    return { a, b, mediaA, mediaB, dial: (more) => call(a, transport, b.port, more) };
  };

  it('rings, answers and is hung up by the caller', async () => {
    let callee: Observer | undefined;
    let incoming: IncomingCall | undefined;
    const { a, b, mediaA, mediaB, dial } = await pair(async (offered) => {
      incoming = offered;
      callee = new Observer(offered.leg);
      offered.ring();
      await offered.answer();
    });
    const caller = dial({ headers: { 'X-Session': 'abc' } });
    await caller.leg.start();
    await caller.until('answered');
    expect(caller.seen).toEqual([{ type: 'provisional', sipStatus: 100, earlyMedia: false }, { type: 'provisional', sipStatus: 180, earlyMedia: false }, { type: 'answered', sipStatus: 200 }]);
    expect([incoming?.toUser, incoming?.fromUser, incoming?.headers['x-session'], incoming?.source.address]).toEqual(['+14155550123', '+14155550100', 'abc', '127.0.0.1']);
    expect(mediaA.sessions[0].remote).toMatchObject({ port: mediaB.sessions[0].local.port, codec: { name: 'PCMU' }, telephoneEvent: { payloadType: 101 } });
    expect(mediaB.sessions[0].remote).toMatchObject({ port: mediaA.sessions[0].local.port });
    expect([mediaA.sessions[0].expected, mediaB.sessions[0].expected]).toEqual([true, true]);
    caller.leg.hangUp();
    caller.leg.hangUp();
    expect(await caller.until('released')).toEqual({ type: 'released', sipStatus: 200 });
    await callee?.until('hungUp');
    expect(caller.types.filter((type) => type === 'released')).toHaveLength(1);
    expect([a.stats(), b.stats()]).toMatchObject([quiet, quiet]);
    await caller.leg.close();
    expect(mediaA.sessions[0].closed).toBe(true);
  });

  it('is hung up by the callee', async () => {
    let callee: Observer | undefined;
    const { a, b, dial } = await pair(async (offered) => {
      callee = new Observer(offered.leg);
      await offered.answer();
    });
    const caller = dial();
    await caller.leg.start();
    await caller.until('answered');
    callee?.leg.hangUp();
    await caller.until('hungUp');
    expect(await callee?.until('released')).toEqual({ type: 'released', sipStatus: 200 });
    caller.leg.hangUp();
    expect(await caller.until('released')).toEqual({ type: 'released', sipStatus: null });
    expect([a.stats(), b.stats()]).toMatchObject([quiet, quiet]);
  });

  it('hangs up at once after its own answer: the BYE waits for the ACK', async () => {
    let callee: Observer | undefined;
    const { dial } = await pair(async (offered) => {
      callee = new Observer(offered.leg);
      await offered.answer();
      offered.leg.hangUp();
    });
    const caller = dial();
    await caller.leg.start();
    await caller.until('hungUp');
    expect(caller.types).toEqual(expect.arrayContaining(['answered', 'hungUp']));
    expect(await callee?.until('released')).toEqual({ type: 'released', sipStatus: 200 });
  });

  it.each([[486, 'Busy Here'], [480, 'Temporarily Unavailable'], [603, 'Decline'], [404, 'Not Found'], [503, 'Service Unavailable'], [302, 'Moved Temporarily without an address to go to']])('is refused with %d', async (status, reason) => {
    const { a, b, dial } = await pair((offered) => { offered.ring(); offered.reject(status); });
    const caller = dial();
    await caller.leg.start();
    expect(await caller.until('failed')).toEqual({ type: 'failed', sipStatus: status, reason });
    expect(caller.types).not.toContain('answered');
    expect([a.stats(), b.stats()]).toMatchObject([quiet, quiet]);
  });

  it('rings and is cancelled', async () => {
    let callee: Observer | undefined;
    const { a, b, dial } = await pair((offered) => { callee = new Observer(offered.leg); offered.ring(); });
    const caller = dial();
    await caller.leg.start();
    await caller.until('provisional');
    caller.leg.hangUp();
    expect(await caller.until('released')).toEqual({ type: 'released', sipStatus: 487 });
    expect(caller.types).not.toContain('failed');
    expect(await callee?.until('hungUp')).toEqual({ type: 'hungUp', sipReason: 'CANCEL' });
    callee?.leg.hangUp();
    await callee?.until('released');
    expect([a.stats(), b.stats()]).toMatchObject([quiet, quiet]);
  });

  it('carries early media, which is no answer', async () => {
    const { mediaA, mediaB, dial } = await pair(async (offered) => {
      await offered.earlyMedia();
      offered.ring();
      setImmediate(() => { void offered.answer(); });
    });
    const caller = dial();
    await caller.leg.start();
    await caller.until('answered');
    expect(caller.seen).toContainEqual({ type: 'provisional', sipStatus: 183, earlyMedia: true });
    expect(mediaA.sessions[0].remotes[0]).toMatchObject({ port: mediaB.sessions[0].local.port });
    expect(mediaB.sessions).toHaveLength(1);
  });

  it('without a handler refuses politely, and answers OPTIONS', async () => {
    const { sip: a } = await endpoint(transport);
    const { sip: b } = await endpoint(transport);
    const caller = call(a, transport, b.port);
    await caller.leg.start();
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 480 });
    expect(b.stats()).toMatchObject(quiet);
  });

  it('stops in time with calls in every state, and says goodbye', async () => {
    const callees: Observer[] = [];
    const { a, b, dial } = await pair((offered) => {
      callees.push(new Observer(offered.leg));
      offered.ring();
      if (offered.toUser === 'answered') return offered.answer();
    });
    const ringing = dial({ dialUser: 'ringing' });
    const answered = dial({ dialUser: 'answered' });
    await Promise.all([ringing.leg.start(), answered.leg.start()]);
    await Promise.all([ringing.until('provisional'), answered.until('answered')]);
    await a.stop();
    expect(await ringing.until('released')).toMatchObject({ sipStatus: 487 });
    expect(await answered.until('released')).toMatchObject({ sipStatus: 200 });
    await Promise.all(callees.map((callee) => callee.until('hungUp')));
    expect(a.stats()).toMatchObject({ ...quiet, clientTransactions: 0, serverTransactions: 0, retransmitting: 0 });
    expect(b.stats()).toMatchObject(quiet);
    expect(() => dial()).toThrow('stopping');
  });
});

describe('a leg against a scripted peer', () => {
  const dial = async (options: Partial<SipEndpointOptions> = {}, more: More = {}): Promise<{ sip: SipEndpoint; media: FakeMedia; peer: ScriptedPeer; caller: Observer; invite: string }> => {
    const { sip, media } = await endpoint('udp', options);
    const peer = await ScriptedPeer.open();
    const caller = call(sip, 'udp', peer.port, more);
    await caller.leg.start();
    return { sip, media, peer, caller, invite: await peer.next('INVITE') };
  };
  const answered = async (options: Partial<SipEndpointOptions> = {}): Promise<Awaited<ReturnType<typeof dial>>> => {
    const set = await dial(options);
    set.peer.reply(set.invite, '200 OK', set.sip.port, { body: SDP });
    await set.caller.until('answered');
    await set.peer.next('ACK');
    return set;
  };

  it('sends an INVITE with what RFC 3261 wants in it', async () => {
    const { sip, invite, peer } = await dial({}, { trunk: { fromDomain: 'bots.example' } });
    expect(invite).toContain(`INVITE sip:+14155550123@127.0.0.1:${peer.port} SIP/2.0\r\n`);
    expect(invite).toMatch(new RegExp(`\r\nVia: SIP/2\\.0/UDP 127\\.0\\.0\\.1:${sip.port};branch=z9hG4bK[\\w-]{16};rport\r\n`));
    expect(invite).toMatch(/\r\nFrom: <sip:\+14155550100@bots\.example>;tag=\w+\r\n/);
    expect(invite).toContain('\r\nTo: <sip:+14155550123@127.0.0.1>\r\n');
    expect(invite).toContain(`\r\nContact: <sip:dialfleet@127.0.0.1:${sip.port}>\r\n`);
    expect(invite).toMatch(/\r\nMax-Forwards: 70\r\n/);
  });

  it('acknowledges and leaves when a 200 crosses its CANCEL', async () => {
    const { sip, peer, caller, invite } = await dial();
    peer.reply(invite, '180 Ringing', sip.port);
    await caller.until('provisional');
    caller.leg.hangUp();
    const cancel = await peer.next('CANCEL');
    peer.reply(cancel, '200 OK', sip.port);
    peer.reply(invite, '200 OK', sip.port, { body: SDP });
    await caller.until('answered');
    await peer.next('ACK');
    const bye = await peer.next('BYE');
    expect(caller.types).not.toContain('released');
    peer.reply(bye, '200 OK', sip.port);
    expect(await caller.until('released')).toEqual({ type: 'released', sipStatus: 200 });
    expect(sip.stats()).toMatchObject(quiet);
  });

  it('waits for a provisional response before its CANCEL (RFC 3261 §9.1)', async () => {
    const { sip, peer, caller, invite } = await dial();
    caller.leg.hangUp();
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(peer.received.some((text) => text.startsWith('CANCEL'))).toBe(false);
    peer.reply(invite, '100 Trying', sip.port, { tag: null });
    const cancel = await peer.next('CANCEL');
    expect(/branch=([^;\r]+)/.exec(cancel)?.[1]).toBe(/branch=([^;\r]+)/.exec(invite)?.[1]);
    peer.reply(cancel, '200 OK', sip.port);
    peer.reply(invite, '487 Request Terminated', sip.port);
    expect(await caller.until('released')).toEqual({ type: 'released', sipStatus: 487 });
    await peer.next('ACK');
  });

  it('lets go 32 s after a CANCEL that is never followed by a 487', async () => {
    const clock = new VirtualClock();
    const { sip, peer, caller, invite } = await dial({ clock });
    peer.reply(invite, '180 Ringing', sip.port);
    await caller.until('provisional');
    caller.leg.hangUp();
    peer.reply(await peer.next('CANCEL'), '200 OK', sip.port);
    clock.advance(31_999);
    expect(caller.types).not.toContain('released');
    clock.advance(1);
    expect(await caller.until('released')).toEqual({ type: 'released', sipStatus: 487 });
    expect(sip.stats()).toMatchObject(quiet);
    expect([...Object.entries(sip.stats())].find(([name]) => name === 'clientTransactions')?.[1]).toBeLessThanOrEqual(1); // the CANCEL's, until timer K
  });

  it('repeats the INVITE on its clock until something answers', async () => {
    const clock = new VirtualClock();
    const { sip, peer, caller, invite } = await dial({ clock });
    clock.advance(1_500);
    expect(await peer.next('INVITE', 2)).toBe(invite);
    peer.reply(invite, '486 Busy Here', sip.port);
    await caller.until('failed');
    expect(sip.stats().requestsRepeated).toBe(2);
  });

  it.each([['401 Unauthorized', 'WWW-Authenticate', 'Authorization'], ['407 Proxy Authentication Required', 'Proxy-Authenticate', 'Proxy-Authorization']])('answers %s once, with the strongest of several challenges', async (line, challengeName, answerName) => {
    const { sip, peer, caller, invite } = await dial({}, { trunk: { username: 'bob', password: 'secret' } });
    const headers = ['MD5', 'SHA-256', 'MD5-sess'].map((algorithm) => `${challengeName}: Digest realm="r", nonce="n${algorithm}", qop="auth", algorithm=${algorithm}`);
    peer.reply(invite, line, sip.port, { headers });
    const second = await peer.next('INVITE', 1);
    expect(second).toMatch(new RegExp(`\r\n${answerName}: Digest username="bob", realm="r", nonce="nSHA-256", uri="sip:\\+14155550123@127\\.0\\.0\\.1:${peer.port}", response="[0-9a-f]{64}", algorithm=SHA-256`));
    expect(second).toContain('CSeq: 2 INVITE');
    peer.reply(second, line, sip.port, { headers });
    expect(await caller.until('failed')).toMatchObject({ sipStatus: Number(line.slice(0, 3)) });
    expect(peer.received.filter((text) => text.startsWith('INVITE'))).toHaveLength(2);
  });

  it('tries once more when only the nonce was stale', async () => {
    const { sip, peer, invite } = await dial({}, { trunk: { username: 'bob', password: 'secret' } });
    peer.reply(invite, '401 Unauthorized', sip.port, { headers: ['WWW-Authenticate: Digest realm="r", nonce="one", qop="auth"'] });
    peer.reply(await peer.next('INVITE', 1), '401 Unauthorized', sip.port, { headers: ['WWW-Authenticate: Digest realm="r", nonce="two", qop="auth", stale=true'] });
    expect(await peer.next('INVITE', 2)).toContain('nonce="two"');
  });

  it('reports a challenge without credentials, or after hanging up, as final', async () => {
    const bare = await dial();
    bare.peer.reply(bare.invite, '401 Unauthorized', bare.sip.port, { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] });
    expect(await bare.caller.until('failed')).toMatchObject({ sipStatus: 401 });
    const late = await dial({}, { trunk: { username: 'bob', password: 'secret' } });
    late.peer.reply(late.invite, '100 Trying', late.sip.port, { tag: null });
    await late.caller.until('provisional');
    late.caller.leg.hangUp();
    late.peer.reply(late.invite, '401 Unauthorized', late.sip.port, { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] });
    expect(await late.caller.until('released')).toMatchObject({ sipStatus: 401 });
    expect(late.peer.received.filter((text) => text.startsWith('INVITE'))).toHaveLength(1);
  });

  it('uses the media of an early 183 when the 200 brings none, and refuses a 200 without any', async () => {
    const early = await dial();
    early.peer.reply(early.invite, '183 Session Progress', early.sip.port, { body: SDP });
    expect(await early.caller.until('provisional')).toEqual({ type: 'provisional', sipStatus: 183, earlyMedia: true });
    expect(early.media.sessions[0]).toMatchObject({ remote: { port: 4000 }, expected: false });
    early.peer.reply(early.invite, '200 OK', early.sip.port);
    await early.caller.until('answered');
    expect(early.media.sessions[0].expected).toBe(true);

    const none = await dial();
    none.peer.reply(none.invite, '200 OK', none.sip.port);
    expect(await none.caller.until('fault')).toMatchObject({ reason: 'trunk_failed', detail: expect.stringContaining('without a session description') });
    expect(await none.peer.next('BYE')).toContain('Reason: SIP;cause=488');
  });

  it('follows the 200 to another address than the 183', async () => {
    const { sip, peer, caller, invite, media } = await dial();
    peer.reply(invite, '183 Session Progress', sip.port, { body: SDP });
    peer.reply(invite, '200 OK', sip.port, { body: SDP.replace('4000', '4444') });
    await caller.until('answered');
    expect(media.sessions[0].remotes.map((remote) => remote.port)).toEqual([4000, 4444]);
  });

  it('reports a 180 without tag or Contact all the same', async () => {
    const { sip, peer, caller, invite } = await dial();
    peer.reply(invite, '180 Ringing', sip.port, { tag: null });
    expect(await caller.until('provisional')).toEqual({ type: 'provisional', sipStatus: 180, earlyMedia: false });
    caller.leg.hangUp();
    peer.reply(await peer.next('CANCEL'), '200 OK', sip.port);
    peer.reply(invite, '487 Request Terminated', sip.port);
    await caller.until('released');
  });

  it('hangs up the second leg of a forked answer and keeps the first', async () => {
    const { sip, peer, caller, invite } = await answered();
    peer.reply(invite, '200 OK', sip.port, { body: SDP, tag: 'fork' });
    const bye = await peer.next('BYE');
    expect(bye).toMatch(/\r\nTo: .*;tag=fork\r\n/);
    peer.reply(bye, '200 OK', sip.port);
    expect(caller.types).toEqual(['answered']);
    expect(sip.stats()).toMatchObject({ legs: 1, dialogs: 1 });
  });

  it('answers hold, codec change and resume within the dialog', async () => {
    const { sip, peer, invite, media } = await answered();
    const reinvite = async (cseq: number, body: string): Promise<string> => {
      peer.send(peer.request('INVITE', invite, cseq, { headers: ['Content-Type: application/sdp'], body }), sip.port);
      const reply = (): string | undefined => peer.received.find((text) => text.startsWith('SIP/2.0') && text.includes(`CSeq: ${cseq} INVITE`));
      await eventually(() => reply() !== undefined);
      peer.send(peer.request('ACK', invite, cseq), sip.port);
      return reply() ?? '';
    };
    expect(await reinvite(1, `${SDP}a=sendonly\r\n`)).toMatch(/^SIP\/2\.0 200[\s\S]*a=recvonly/);
    expect(media.sessions[0]).toMatchObject({ remote: { direction: 'recvonly' }, expected: false });
    expect(await reinvite(2, `${SDP}a=inactive\r\n`)).toContain('a=inactive');
    expect(media.sessions[0].expected).toBe(false);
    expect(await reinvite(3, SDP.replace('AVP 0', 'AVP 8').replace('4000', '4002'))).toContain('m=audio 20000 RTP/AVP 8 101');
    expect(media.sessions[0]).toMatchObject({ remote: { codec: { name: 'PCMA' }, port: 4002, direction: 'sendrecv' }, expected: true });
    expect(await reinvite(4, SDP.replace('AVP 0', 'AVP 18'))).toMatch(/^SIP\/2\.0 488/);
    expect(media.sessions[0].remote?.codec.name).toBe('PCMA');
    expect(await reinvite(5, SDP)).toMatch(/^SIP\/2\.0 200/);
  });

  it('refuses REFER and takes INFO digits', async () => {
    const { sip, peer, invite, caller } = await answered();
    peer.send(peer.request('REFER', invite, 1, { headers: ['Refer-To: <sip:+19005550000@evil.example>'] }), sip.port);
    peer.send(peer.request('INFO', invite, 2, { headers: ['Content-Type: application/dtmf-relay'], body: 'Signal=7\r\nDuration=160\r\n' }), sip.port);
    expect(await caller.until('dtmf')).toEqual({ type: 'dtmf', digit: '7' });
    await eventually(() => peer.received.some((text) => text.startsWith('SIP/2.0 603') && text.includes('REFER')));
    expect(peer.received.filter((text) => text.startsWith('INVITE'))).toHaveLength(1);
  });

  it('survives BYE and re-INVITE crossing its own BYE', async () => {
    const { sip, peer, invite, caller } = await answered();
    caller.leg.hangUp();
    const bye = await peer.next('BYE');
    peer.send(peer.request('INVITE', invite, 1, { headers: ['Content-Type: application/sdp'], body: SDP }), sip.port);
    peer.send(peer.request('BYE', invite, 2), sip.port);
    await eventually(() => peer.received.filter((text) => text.startsWith('SIP/2.0 481')).length === 2);
    peer.reply(bye, '481 Call/Transaction Does Not Exist', sip.port);
    expect(await caller.until('released')).toEqual({ type: 'released', sipStatus: 481 });
    expect(sip.stats()).toMatchObject({ ...quiet, messagesFailed: 0 });
  });

  it('reports media silence after the answer', async () => {
    const { media, caller } = await answered();
    media.sessions[0].events.emit('timeout', { silentMs: 15_000 });
    expect(await caller.until('fault')).toMatchObject({ reason: 'media_timeout' });
  });

  it('follows Record-Route with its BYE', async () => {
    const proxy = await ScriptedPeer.open();
    const { sip, peer, caller, invite } = await dial();
    peer.reply(invite, '200 OK', sip.port, { body: SDP, headers: [`Record-Route: <sip:127.0.0.1:${proxy.port};lr=on>`] });
    await caller.until('answered');
    caller.leg.hangUp();
    const bye = await proxy.next('BYE');
    expect(bye).toContain(`BYE sip:peer@127.0.0.1:${peer.port} SIP/2.0`);
    proxy.reply(bye, '200 OK', sip.port);
    await caller.until('released');
  });
});

describe('a leg that cannot even start', () => {
  it('faults at once when the host does not resolve', async () => {
    const clock = new VirtualClock();
    const { sip } = await endpoint('udp', { clock, resolver: new HostResolver(clock, () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }))) });
    const caller = call(sip, 'udp', 5060, { trunk: { host: 'nowhere.invalid' } });
    await caller.leg.start();
    expect(caller.seen).toEqual([{ type: 'fault', reason: 'trunk_failed', detail: 'host nowhere.invalid does not resolve (ENOTFOUND)' }]);
    caller.leg.hangUp();
    expect(await caller.until('released')).toEqual({ type: 'released', sipStatus: null });
    expect(sip.stats()).toMatchObject(quiet);
  });

  it('dials a host name', async () => {
    const { sip: callee } = await endpoint('udp');
    callee.onInvite((offered) => offered.reject(486));
    const { sip } = await endpoint('udp');
    const caller = call(sip, 'udp', callee.port, { trunk: { host: 'localhost' } });
    await caller.leg.start();
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 486 });
  });

  it('fails with 408 when the trunk stays silent, and lets go of a silent one that was hung up (timer B)', async () => {
    const timers = Timers as { TIMER_B: number };
    const { TIMER_B } = timers;
    cleanUps.push(() => { timers.TIMER_B = TIMER_B; });
    timers.TIMER_B = 60;
    const peer = await ScriptedPeer.open();
    const { sip } = await endpoint('udp');
    const waiting = call(sip, 'udp', peer.port);
    const given = call(sip, 'udp', peer.port);
    await Promise.all([waiting.leg.start(), given.leg.start()]);
    given.leg.hangUp();
    expect(await waiting.until('failed')).toEqual({ type: 'failed', sipStatus: 408, reason: `127.0.0.1:${peer.port} over UDP did not respond` });
    expect(await given.until('released')).toEqual({ type: 'released', sipStatus: 408 });
    expect(peer.received.some((text) => text.startsWith('CANCEL'))).toBe(false);
    expect(sip.stats()).toMatchObject({ ...quiet, clientTransactions: 0 });
  });

  it('fails with 503 and the reason when nobody listens on TCP', async () => {
    const { sip: gone } = await endpoint('tcp');
    const { port } = gone;
    await gone.stop();
    const { sip } = await endpoint('tcp');
    const caller = call(sip, 'tcp', port);
    await caller.leg.start();
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 503, reason: expect.stringContaining('ECONNREFUSED') });
    expect(sip.stats()).toMatchObject({ ...quiet, retransmitting: 0 });
  });

  it('never sends an INVITE when hung up before', async () => {
    const peer = await ScriptedPeer.open();
    const { sip } = await endpoint('udp');
    const early = call(sip, 'udp', peer.port);
    const starting = early.leg.start();
    early.leg.hangUp();
    await starting;
    expect(await early.until('released')).toEqual({ type: 'released', sipStatus: null });
    const never = call(sip, 'udp', peer.port);
    never.leg.hangUp();
    await never.until('released');
    expect([peer.received, sip.stats().legs]).toEqual([[], 0]);
  });

  it('refuses values that would break out of a header, and trunks of another transport', async () => {
    const { sip } = await endpoint('udp');
    const evil = 'x\r\nVia: SIP/2.0/UDP evil';
    const attempts: More[] = [{ dialUser: evil }, { fromNumber: evil }, { headers: { 'X-A': evil } }, { headers: { [evil]: 'x' } }, { trunk: { host: evil } }, { trunk: { fromDomain: evil } }, { trunk: { username: evil, password: 'x' } }];
    for (const more of attempts) {
      expect(() => call(sip, 'udp', 5060, more)).toThrow();
    }
    expect(() => call(sip, 'tcp', 5060)).toThrow('transport');
  });
});

describe('what arrives', () => {
  const request = (method: string, port: number, extra: string[] = [], body = ''): string => [`${method} sip:someone@127.0.0.1:${port} SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK${method}${extra.length}`, 'From: <sip:a@b>;tag=1', 'To: <sip:c@d>',
    `Call-ID: x-${method}-`, `CSeq: 1 ${method}`, 'Contact: <sip:a@127.0.0.1:9>', 'Max-Forwards: 70', ...extra, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
  const status = async (peer: ScriptedPeer): Promise<number> => Number((await peer.next('SIP/2.0', 0)).slice(8, 11));

  it.each([
    ['OPTIONS', [], 200], ['BYE', [], 481], ['REFER', ['Refer-To: <sip:x@y>'], 405], ['REGISTER', [], 405], ['SUBSCRIBE', [], 405], ['MESSAGE', [], 405], ['UPDATE', [], 481], ['PRACK', [], 481], ['JUMP', [], 501], ['INVITE', ['Require: precondition, timer'], 420], ['INVITE', ['Require: 100rel, precondition'], 420], ['OPTIONS', ['Require: foo, bar'], 420],
  ])('%s %j out of a dialog → %d', async (method, extra, expected) => {
    const { sip } = await endpoint('udp');
    sip.onInvite((offered) => offered.reject(486));
    const peer = await ScriptedPeer.open();
    peer.send(request(method, sip.port, extra), sip.port);
    expect(await status(peer)).toBe(expected);
    expect(sip.stats()).toMatchObject({ ...quiet, messagesFailed: 0 });
  });

  it('offers a call without SDP our own, and reads the answer from the ACK', async () => {
    const { sip, media } = await endpoint('udp');
    sip.onInvite((offered) => offered.answer());
    const peer = await ScriptedPeer.open();
    const invite = request('INVITE', sip.port).replace('127.0.0.1:9>', `127.0.0.1:${peer.port}>`);
    peer.send(invite, sip.port);
    const ok = await peer.next('SIP/2.0 200');
    expect(ok).toContain('m=audio 20000 RTP/AVP 0 8 13 101');
    const to = /^To: .*$/m.exec(ok)?.[0].trimEnd() ?? '';
    peer.send(invite.replace('To: <sip:c@d>', to).replace(/INVITE/g, 'ACK').replace('z9hG4bKACK0', 'z9hG4bKack').replace('x-ACK-', 'x-INVITE-').replace('Content-Length: 0\r\n\r\n', `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`), sip.port);
    await eventually(() => media.sessions[0].remotes.length > 0);
    expect(media.sessions[0].remote).toMatchObject({ port: 4000, codec: { name: 'PCMU' } });
  });

  it.each(['tel:+1-415-555-0100;phone-context=x', 'tel:+14155550100', 'TEL:+1(415)555.0100', 'tel:555-0100;phone-context=+1-415'])('takes a call to %s (RFC 3966)', async (uri) => {
    const { sip } = await endpoint('udp');
    const called: string[] = [];
    sip.onInvite((offered) => { called.push(offered.toUser); offered.reject(486); });
    const peer = await ScriptedPeer.open();
    peer.send(request('INVITE', sip.port).replace(/^INVITE \S+/, `INVITE ${uri}`), sip.port);
    await peer.next('SIP/2.0 486');
    expect(called).toEqual(['+14155550100']);
  });

  it('refuses a merged request with 482 (RFC 3261 §8.2.2.2)', async () => {
    const { sip } = await endpoint('udp');
    sip.onInvite((offered) => offered.ring());
    const peer = await ScriptedPeer.open();
    peer.send(request('INVITE', sip.port), sip.port);
    peer.send(request('INVITE', sip.port).replace('z9hG4bK', 'z9hG4bKother'), sip.port);
    expect(await peer.next('SIP/2.0 482')).toContain('branch=z9hG4bKother');
    expect(sip.stats().legs).toBe(1);
  });

  it('refuses with 488 what it cannot speak', async () => {
    const { sip } = await endpoint('udp');
    sip.onInvite((offered) => offered.answer());
    const peer = await ScriptedPeer.open();
    const body = SDP.replace('AVP 0', 'AVP 18');
    peer.send(request('INVITE', sip.port, ['Content-Type: application/sdp'], body), sip.port);
    expect(await peer.next('SIP/2.0 488')).toContain('CSeq: 1 INVITE');
    expect(sip.stats()).toMatchObject(quiet);
  });

  it('answers 503 when no media session is to be had', async () => {
    const { sip } = await endpoint('udp', { media: { open: () => Promise.reject(new Error('no RTP port')) } });
    let callee: Observer | undefined;
    sip.onInvite((offered) => { callee = new Observer(offered.leg); return offered.answer(); });
    const peer = await ScriptedPeer.open();
    peer.send(request('INVITE', sip.port), sip.port);
    await peer.next('SIP/2.0 503');
    expect(await callee?.until('failed')).toEqual({ type: 'failed', sipStatus: 503, reason: 'no RTP port' });
  });

  it('can ask for credentials', async () => {
    const { sip } = await endpoint('udp');
    sip.onInvite((offered) => offered.challenge('Digest realm="r", nonce="n"'));
    const peer = await ScriptedPeer.open();
    peer.send(request('INVITE', sip.port), sip.port);
    expect(await peer.next('SIP/2.0 401')).toContain('WWW-Authenticate: Digest realm="r", nonce="n"\r\n');
    expect(sip.stats()).toMatchObject(quiet);
  });

  it('answers a handler\'s failure with 500', async () => {
    const { sip } = await endpoint('udp');
    sip.onInvite(() => Promise.reject(new Error('boom')));
    const peer = await ScriptedPeer.open();
    peer.send(request('INVITE', sip.port), sip.port);
    await peer.next('SIP/2.0 500');
  });

  it('drops oversized datagrams unread, and closes a stream it cannot follow', async () => {
    const { sip } = await endpoint('udp');
    const peer = await ScriptedPeer.open();
    peer.send(request('OPTIONS', sip.port, [`X: ${'a'.repeat(9_000)}`]), sip.port);
    peer.send(request('OPTIONS', sip.port), sip.port);
    await peer.next('SIP/2.0 200');
    expect([sip.stats().messagesRefused, peer.received.length]).toEqual([1, 1]);
    const { sip: stream } = await endpoint('tcp');
    const socket = connect(stream.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`INVITE sip:x SIP/2.0\r\nX: ${'a'.repeat(9_000)}`);
    await new Promise((resolve) => { socket.on('close', resolve); });
    expect(stream.stats().messagesRefused).toBe(1);
  });

  it('answers a keep-alive on TCP (RFC 5626 §3.5.1)', async () => {
    const { sip } = await endpoint('tcp');
    const socket = connect(sip.port, '127.0.0.1');
    socket.write('\r\n\r\n');
    const pong = await new Promise<Buffer>((resolve) => { socket.once('data', resolve); });
    expect(pong.toString()).toBe('\r\n');
    socket.destroy();
  });

  it('lives through mutated messages without throwing, leaking or dialling', async () => {
    const { sip } = await endpoint('udp');
    sip.onInvite((offered) => offered.reject(486));
    const peer = await ScriptedPeer.open();
    let seed = 12_345;
    const random = (n: number): number => { seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff; return seed % n; };
    const methods = ['INVITE', 'BYE', 'ACK', 'CANCEL', 'OPTIONS', 'NOTIFY', 'REFER', 'SUBSCRIBE', 'PRACK', 'UPDATE', 'FOO', 'INFO', 'MESSAGE', 'REGISTER'];
    for (let i = 0; i < 3_000; i++) {
      const lines = request(methods[random(methods.length)], sip.port, ['Record-Route: <sip:1.1.1.1;lr>', `X-N: ${i}`]).replace('z9hG4bK', `z9hG4bKf${i}`).split('\r\n');
      if (random(3) === 0) lines[3] += ';tag=zz';
      if (random(5) === 0) lines[0] = `SIP/2.0 ${100 + random(600)} X`;
      for (let edits = random(4); edits >= 0; edits--) mutate(lines, random);
      peer.send(lines.join('\r\n'), sip.port);
      if (i % 100 === 0) await new Promise((resolve) => { setImmediate(resolve); });
    }
    peer.send(request('OPTIONS', sip.port).replace('x-OPTIONS-', 'last'), sip.port);
    await eventually(() => peer.received.some((text) => text.includes('Call-ID: last')));
    expect(sip.stats()).toMatchObject(quiet);
    expect(peer.received.some((text) => text.startsWith('INVITE'))).toBe(false);
  });
});

function mutate(lines: string[], random: (n: number) => number): void {
  const at = random(lines.length);
  const cut = random(lines[at].length + 1);
  switch (random(6)) {
    case 0: lines.splice(at, 1); if (lines.length === 0) lines.push(''); break;
    case 1: lines[at] = lines[at].slice(0, cut); break;
    case 2: lines[at] = lines[at].slice(0, cut) + String.fromCharCode(random(256)) + lines[at].slice(cut); break;
    case 3: lines.splice(at, 0, lines[random(lines.length)]); break;
    case 4: lines[at] = lines[at].replace(/[0-9]+/, '9'.repeat(1 + random(25))); break;
    default: lines[at] += '<>;"'[random(4)].repeat(1 + random(40));
  }
}
