import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { afterEach, describe, expect, it } from '@jest/globals';
import { SILENT_TARGET_MS } from './outbound-leg.js';
import { SipEndpoint } from '../sip-endpoint.js';
import { dial, dialServers, endCalls, FixedLocator, startEndpoint } from '../testing/dialled-call.js';
import { eventually, LegObserver } from '../testing/leg-observer.js';
import { ScriptedPeer, SDP } from '../testing/scripted-peer.js';

afterEach(endCalls);

const valueOf = (text: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1].trimEnd() ?? '';
const branchOf = (text: string): string => /branch=([^;\r]+)/.exec(text)?.[1] ?? '';

describe('a trunk with several servers', () => {
  it('goes to the second after a 503, in a new transaction of the same call, and remembers Retry-After', async () => {
    const { sip, peers: [first, second], caller, locator } = await dialServers(2);
    const invite = await first.next('INVITE');
    first.reply(invite, '503 Service Unavailable', sip.port, { headers: ['Retry-After: 120 (maintenance)'] });
    await first.next('ACK');
    const again = await second.next('INVITE');
    expect(['Call-ID', 'From', 'To'].map((name) => valueOf(again, name))).toEqual(['Call-ID', 'From', 'To'].map((name) => valueOf(invite, name)));
    expect([valueOf(again, 'CSeq'), again.split('\r\n')[0]]).toEqual(['2 INVITE', invite.split('\r\n')[0]]);
    expect(branchOf(again)).not.toBe(branchOf(invite));
    second.reply(again, '200 OK', sip.port, { body: SDP });
    await caller.until('answered');
    expect(locator.failures).toEqual([{ port: first.port, forMs: 120_000 }]);
    expect(caller.types).not.toContain('failed');
    caller.leg.hangUp();
    second.reply(await second.next('BYE'), '200 OK', sip.port);
    await caller.until('released');
  });

  it('goes to the second when the first is silent for five seconds, and repeats nothing to the first any more', async () => {
    const { sip, peers: [first, second], caller, locator, clock } = await dialServers(2);
    await first.next('INVITE');
    clock.advance(SILENT_TARGET_MS - 1);
    expect(second.received.filter((text) => text.startsWith('INVITE'))).toEqual([]);
    clock.advance(1);
    const invite = await second.next('INVITE');
    await first.next('INVITE', 3);
    expect(locator.failures).toEqual([{ port: first.port, forMs: undefined }]);
    second.reply(invite, '180 Ringing', sip.port);
    await caller.until('provisional');
    clock.advance(20_000);
    second.reply(invite, '486 Busy Here', sip.port);
    expect(await caller.until('failed')).toEqual({
      type: 'failed', sipStatus: 486, reason: `127.0.0.1:${first.port} over UDP did not respond; 127.0.0.1:${second.port} over UDP answered 486 Busy Here`,
    });
    expect(first.received.filter((text) => text.startsWith('INVITE'))).toHaveLength(4);
  });

  it('tells a server that wakes up late to stop, and ends what it answers', async () => {
    const { sip, peers: [first, second], caller, clock } = await dialServers(2);
    const late = await first.next('INVITE');
    clock.advance(SILENT_TARGET_MS);
    const invite = await second.next('INVITE');
    second.reply(invite, '200 OK', sip.port, { body: SDP, tag: 'second' });
    await caller.until('answered');
    first.reply(late, '180 Ringing', sip.port, { tag: 'first' });
    const cancel = await first.next('CANCEL');
    expect(branchOf(cancel)).toBe(branchOf(late));
    first.reply(late, '200 OK', sip.port, { tag: 'first', body: SDP });
    const [ack, bye] = [await first.next('ACK'), await first.next('BYE')];
    expect([valueOf(ack, 'To'), valueOf(bye, 'To')]).toEqual([expect.stringContaining('tag=first'), expect.stringContaining('tag=first')]);
    first.reply(bye, '200 OK', sip.port);
    expect(caller.types).toEqual(['answered']);
    expect(second.received.filter((text) => text.startsWith('BYE') || text.startsWith('CANCEL'))).toEqual([]);
    expect(sip.stats()).toMatchObject({ legs: 1, dialogs: 1 });
  });

  it('lets a late 487 of the server it gave up pass', async () => {
    const { sip, peers: [first, second], caller, clock } = await dialServers(2);
    const late = await first.next('INVITE');
    clock.advance(SILENT_TARGET_MS);
    const invite = await second.next('INVITE');
    first.reply(late, '100 Trying', sip.port, { tag: null });
    first.reply(await first.next('CANCEL'), '200 OK', sip.port);
    first.reply(late, '487 Request Terminated', sip.port);
    await first.next('ACK');
    second.reply(invite, '180 Ringing', sip.port);
    expect(await caller.until('provisional')).toMatchObject({ sipStatus: 180 });
    expect(caller.types).toEqual(['provisional']);
  });

  it('stays with a server that says anything', async () => {
    const { sip, peers: [first, second], caller, clock } = await dialServers(2);
    const invite = await first.next('INVITE');
    first.reply(invite, '100 Trying', sip.port, { tag: null });
    await caller.until('provisional');
    clock.advance(31_000);
    expect(second.received.filter((text) => text.startsWith('INVITE'))).toEqual([]);
  });

  it('waits on the last for as long as it takes', async () => {
    const { sip, peers: [only], caller, clock } = await dialServers(1);
    const invite = await only.next('INVITE');
    clock.advance(20_000);
    only.reply(invite, '200 OK', sip.port, { body: SDP });
    await caller.until('answered');
  });

  it('sends no more audio to a server that played an announcement and then said 503', async () => {
    const { sip, peers: [first, second], caller, media } = await dialServers(2);
    const invite = await first.next('INVITE');
    first.reply(invite, '183 Session Progress', sip.port, { body: SDP });
    await caller.until('provisional');
    first.reply(invite, '503 Service Unavailable', sip.port);
    const again = await second.next('INVITE');
    expect(media.sessions[0].remote).toMatchObject({ port: 0, direction: 'inactive' });
    second.reply(again, '200 OK', sip.port);
    expect(await caller.until('fault')).toMatchObject({ detail: 'the far end answered without a session description' });
    await second.next('BYE');
  });

  it('heeds Retry-After in nothing but a 503', async () => {
    const { sip, peers: [first, second], caller, locator } = await dialServers(2);
    first.reply(await first.next('INVITE'), '480 Temporarily Unavailable', sip.port, { headers: ['Retry-After: 60'] });
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 480 });
    expect([locator.failures, second.received]).toEqual([[], []]);
  });

  it('gives up with the names of all', async () => {
    const { sip, peers, caller } = await dialServers(3);
    for (const peer of peers) peer.reply(await peer.next('INVITE'), '503 Service Unavailable', sip.port);
    expect(await caller.until('failed')).toEqual({ type: 'failed', sipStatus: 503, reason: peers.map(({ port }) => `127.0.0.1:${port} over UDP answered 503 Service Unavailable`).join('; ') });
    expect(sip.stats()).toMatchObject({ legs: 0, dialogs: 0 });
  });

  it('tries no more once hung up', async () => {
    const { sip, peers: [first, second], caller, clock } = await dialServers(2);
    const invite = await first.next('INVITE');
    first.reply(invite, '100 Trying', sip.port, { tag: null });
    await caller.until('provisional');
    caller.leg.hangUp();
    first.reply(await first.next('CANCEL'), '200 OK', sip.port);
    first.reply(invite, '503 Service Unavailable', sip.port);
    expect(await caller.until('released')).toMatchObject({ sipStatus: 503 });
    clock.advance(10_000);
    expect(second.received.filter((text) => text.startsWith('INVITE'))).toEqual([]);
  });

  it('goes on at once when a server refuses the connection', async () => {
    const { sip: gone } = await startEndpoint({ transport: 'tcp' });
    const closed = gone.port;
    await gone.stop();
    const { sip: callee } = await startEndpoint({ transport: 'tcp' });
    callee.onInvite((call) => call.reject(486));
    const { sip } = await startEndpoint({ transport: 'tcp', locator: new FixedLocator([closed, callee.port]) });
    const caller = new LegObserver(sip.createCall({ dialUser: 'x', fromNumber: 'y', trunk: { host: 'trunk.example', transport: 'tcp', codecs: ['PCMU'] } }));
    await caller.leg.start();
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 486, reason: expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:${closed} over TCP could not be reached \\(.*ECONNREFUSED.*\\); 127\\.0\\.0\\.1:${callee.port} over TCP answered 486 Busy Here$`)) });
  });

  it('asks nobody else when the connection breaks while the telephone rings: it would ring twice', async () => {
    const ringing = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'sip' });
    ringing.on('connection', (socket) => {
      socket.once('message', (data: Buffer) => {
        const lines = data.toString().split('\r\n');
        const kept = lines.filter((line) => /^(Via|From|Call-ID|CSeq):/i.test(line));
        const to = `${lines.find((line) => /^To:/i.test(line))};tag=ringing`;
        socket.send(['SIP/2.0 180 Ringing', ...kept, to, 'Contact: <sip:ringing@127.0.0.1>', 'Content-Length: 0', '', ''].join('\r\n'), () => { socket.terminate(); });
      });
    });
    await once(ringing, 'listening');
    const { port } = ringing.address() as AddressInfo;
    const { sip: second } = await startEndpoint({ transport: 'ws', listen: { ws: 0 } });
    const asked: string[] = [];
    second.onInvite((call) => { asked.push(call.callId); call.reject(486); });
    const { sip } = await startEndpoint({ transport: undefined, transports: ['udp', 'ws'], locator: new FixedLocator([port, second.portOf('ws') ?? 0]) });
    const caller = new LegObserver(sip.createCall({ dialUser: 'x', fromNumber: 'y', trunk: { host: 'trunk.example', transport: 'ws', codecs: ['PCMU'] } }));
    await caller.leg.start();
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 503, reason: expect.stringContaining(`127.0.0.1:${port} over WS was lost while it worked on the call`) });
    expect(asked).toEqual([]);
    for (const socket of ringing.clients) socket.terminate();
    ringing.close();
  });
});

describe('redirection', () => {
  const moved = (peer: ScriptedPeer, invite: string, sip: SipEndpoint, ...contacts: string[]): void => {
    peer.reply(invite, '302 Moved Temporarily', sip.port, { headers: contacts.map((contact) => `Contact: ${contact}`) });
  };
  /** A second server on the trunk's host, and a call whose first server has the INVITE. */
  const redirected = async (): Promise<Awaited<ReturnType<typeof dial>> & { other: ScriptedPeer }> => ({ ...await dial({ trunk: { redirectHosts: ['localhost'] } }), other: await ScriptedPeer.open() });

  it('goes to the contact with the highest q on an allowed host, in a new transaction of the same call', async () => {
    const { sip, peer, caller, invite, other } = await redirected();
    moved(peer, invite, sip, `<sip:low@127.0.0.1:${other.port}>;q=0.2, "B" <sip:high@localhost:${other.port};user=phone?Subject=x>;q=0.9`, '<sip:evil@203.0.113.9>');
    await peer.next('ACK');
    // The reply's own Contact has no q, which is 1: the peer is asked first, for another user than at first.
    const own = await peer.next('INVITE', 1);
    expect(own.split('\r\n')[0]).toBe(`INVITE sip:peer@127.0.0.1:${peer.port} SIP/2.0`);
    peer.reply(own, '404 Not Found', sip.port);
    const next = await other.next('INVITE');
    expect(next.split('\r\n')[0]).toBe(`INVITE sip:high@localhost:${other.port};user=phone SIP/2.0`);
    expect([valueOf(next, 'Call-ID'), valueOf(next, 'To'), valueOf(next, 'CSeq')]).toEqual([valueOf(invite, 'Call-ID'), valueOf(invite, 'To'), '3 INVITE']);
    other.reply(next, '200 OK', sip.port, { body: SDP });
    await caller.until('answered');
  });

  it('goes nowhere the trunk does not allow, and says where it was sent', async () => {
    const { sip, peer, caller, invite } = await dial();
    peer.send([`SIP/2.0 302 Moved`, ...['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${valueOf(invite, name)}`), `To: ${valueOf(invite, 'To')};tag=x`, 'Contact: <sip:premium@evil.example>', 'Content-Length: 0', '', ''].join('\r\n'), sip.port);
    expect(await caller.until('failed')).toEqual({ type: 'failed', sipStatus: 302, reason: "Moved to evil.example, which is not among the trunk's redirect hosts" });
  });

  it('does not follow a circle', async () => {
    const { sip, peer, caller, invite } = await dial();
    moved(peer, invite, sip, `<sip:+14155550123@127.0.0.1:${peer.port}>`);
    const again = await peer.next('INVITE', 1);
    peer.reply(again, '302 Moved Temporarily', sip.port);
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 302, reason: expect.stringContaining('back to where we came from') });
    expect(peer.received.filter((text) => text.startsWith('INVITE'))).toHaveLength(2);
  });

  it('is not followed after a hang-up', async () => {
    const { sip, peer, caller, invite } = await dial();
    peer.reply(invite, '100 Trying', sip.port, { tag: null });
    await caller.until('provisional');
    caller.leg.hangUp();
    await peer.next('CANCEL');
    peer.reply(invite, '302 Moved Temporarily', sip.port);
    expect(await caller.until('released')).toMatchObject({ sipStatus: 302 });
    await eventually(() => peer.received.some((text) => text.startsWith('ACK')));
    expect(peer.received.filter((text) => text.startsWith('INVITE'))).toHaveLength(1);
  });
});
