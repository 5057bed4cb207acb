import { afterEach, describe, expect, it } from '@jest/globals';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { dial, endCalls } from '../testing/dialled-call.js';
import { eventually } from '../testing/leg-observer.js';
import { SDP } from '../testing/scripted-peer.js';

afterEach(endCalls);

const valueOf = (text: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1].trimEnd() ?? '';
const withPort = (port: number): string => SDP.replace('4000', String(port));
const ports = (media: { sessions: { remotes: { port: number }[] }[] }): number[] => media.sessions[0].remotes.map(({ port }) => port);

describe('early media', () => {
  it('follows a later provisional response to another address, and applies a repeated one once', async () => {
    const { sip, peer, caller, invite, media } = await dial();
    for (const port of [4000, 4000, 4100, 4100]) peer.reply(invite, '183 Session Progress', sip.port, { body: withPort(port) });
    await eventually(() => caller.seen.length === 4);
    expect(ports(media)).toEqual([4000, 4100]);
    expect(caller.seen.every((event) => event.type === 'provisional' && event.earlyMedia)).toBe(true);
    peer.reply(invite, '200 OK', sip.port, { body: withPort(4100) });
    await caller.until('answered');
    expect([ports(media), media.sessions[0].expected]).toEqual([[4000, 4100], true]);
  });

  it('of several forks is heard from the one that spoke last, and then from the one that answers', async () => {
    const { sip, peer, caller, invite, media } = await dial();
    peer.reply(invite, '183 Session Progress', sip.port, { tag: 'a', body: withPort(4000) });
    peer.reply(invite, '183 Session Progress', sip.port, { tag: 'b', body: withPort(4200) });
    peer.reply(invite, '180 Ringing', sip.port, { tag: 'c' });
    await eventually(() => caller.seen.length === 3);
    expect(ports(media)).toEqual([4000, 4200]);
    peer.reply(invite, '200 OK', sip.port, { tag: 'a' });
    await caller.until('answered');
    expect(ports(media)).toEqual([4000, 4200, 4000]);
    expect(await peer.next('ACK')).toMatch(/^To: .*;tag=a\r$/m);
  });

  it('goes back to another fork when one has ended (199, RFC 6228)', async () => {
    const { sip, peer, caller, invite, media } = await dial();
    peer.reply(invite, '183 Session Progress', sip.port, { tag: 'a', body: withPort(4000) });
    peer.reply(invite, '183 Session Progress', sip.port, { tag: 'b', body: withPort(4200) });
    peer.reply(invite, '199 Early Dialog Terminated', sip.port, { tag: 'b' });
    await eventually(() => caller.seen.length === 3);
    expect(ports(media)).toEqual([4000, 4200, 4000]);
    expect(invite).toMatch(/^Supported: .*\b199\b/m);
  });

  it('is no answer: a refusal after it ends the call unanswered', async () => {
    const { sip, peer, caller, invite } = await dial();
    peer.reply(invite, '183 Session Progress', sip.port, { body: SDP });
    peer.reply(invite, '404 Not Found', sip.port);
    expect(await caller.until('failed')).toEqual({ type: 'failed', sipStatus: 404, reason: 'Not Found' });
    expect(caller.types).toEqual(['provisional', 'failed']);
    expect(sip.stats()).toMatchObject({ legs: 0, dialogs: 0 });
  });

  it('that cannot be understood is ringing and no more', async () => {
    const { sip, peer, caller, invite, media } = await dial();
    peer.reply(invite, '183 Session Progress', sip.port, { body: SDP.replace('AVP 0', 'AVP 18') });
    expect(await caller.until('provisional')).toEqual({ type: 'provisional', sipStatus: 183, earlyMedia: false });
    peer.reply(invite, '200 OK', sip.port, { body: SDP });
    await caller.until('answered');
    expect(ports(media)).toEqual([4000]);
  });
});

describe('a response that requires what we do not know', () => {
  it('is taken for what else it says, and the operator is told', async () => {
    const warnings: unknown[] = [];
    const { sip, peer, caller, invite } = await dial({ endpoint: { logger: { ...silentLogger, warn: (message, fields) => { warnings.push([message, fields]); } } } });
    peer.reply(invite, '183 Session Progress', sip.port, { headers: ['Require: precondition, 100rel', 'RSeq: 1'], body: SDP });
    await peer.next('PRACK');
    peer.reply(invite, '200 OK', sip.port, { headers: ['Require: timer', 'Session-Expires: 1800;refresher=uac'] });
    await caller.until('answered');
    expect(warnings).toEqual([['a response requires what we do not know: going on without it', { extensions: 'precondition', sipStatus: 183 }]]);
  });
});

describe('forks that answer', () => {
  it('the first has the call, each further one is acknowledged and ended', async () => {
    const { sip, peer, caller, invite } = await dial();
    for (const tag of ['a', 'b', 'c']) peer.reply(invite, '180 Ringing', sip.port, { tag });
    for (const tag of ['b', 'a', 'c']) peer.reply(invite, '200 OK', sip.port, { tag, body: SDP });
    const byes = [await peer.next('BYE'), await peer.next('BYE', 1)];
    expect(byes.map((bye) => /tag=(\w)\r/.exec(bye.slice(bye.indexOf('\r\nTo:')))?.[1]).sort()).toEqual(['a', 'c']);
    for (const bye of byes) peer.reply(bye, '200 OK', sip.port);
    const acked = new Set(peer.received.filter((text) => text.startsWith('ACK')).map((ack) => valueOf(ack, 'To').slice(-1)));
    expect([...acked].sort()).toEqual(['a', 'b', 'c']);
    expect(caller.types.filter((type) => type === 'answered')).toHaveLength(1);
    caller.leg.hangUp();
    const bye = await peer.next('BYE', 2);
    expect(valueOf(bye, 'To')).toContain('tag=b');
    peer.reply(bye, '200 OK', sip.port);
    await caller.until('released');
  });

  it('two crossing our CANCEL are both acknowledged and ended', async () => {
    const { sip, peer, caller, invite } = await dial();
    peer.reply(invite, '180 Ringing', sip.port, { tag: 'a' });
    await caller.until('provisional');
    caller.leg.hangUp();
    await peer.next('CANCEL');
    for (const tag of ['a', 'b']) peer.reply(invite, '200 OK', sip.port, { tag, body: SDP });
    for (const nth of [0, 1]) peer.reply(await peer.next('BYE', nth), '200 OK', sip.port);
    expect(await caller.until('released')).toMatchObject({ sipStatus: 200 });
    expect(sip.stats()).toMatchObject({ legs: 0 });
  });

  it('acknowledges a repeated 200 again', async () => {
    const { sip, peer, caller, invite } = await dial();
    for (let nth = 0; nth < 3; nth++) {
      peer.reply(invite, '200 OK', sip.port, { body: SDP });
      await peer.next('ACK', nth);
    }
    expect(caller.types).toEqual(['answered']);
  });
});

describe('reliable provisional responses to our call (RFC 3262)', () => {
  const reliably = (rseq: number): string[] => ['Require: 100rel', `RSeq: ${rseq}`];

  it('are acknowledged once each, in order, with the answer in the first', async () => {
    const { sip, peer, caller, invite, media } = await dial();
    expect(invite).toMatch(/^Supported: .*\b100rel\b/m);
    expect(invite).not.toMatch(/^Require:/m);
    for (let repeat = 0; repeat < 2; repeat++) peer.reply(invite, '183 Session Progress', sip.port, { headers: reliably(7), body: SDP });
    const prack = await peer.next('PRACK');
    expect([prack.split('\r\n')[0], valueOf(prack, 'RAck'), valueOf(prack, 'CSeq')]).toEqual([`PRACK sip:peer@127.0.0.1:${peer.port} SIP/2.0`, '7 1 INVITE', '2 PRACK']);
    peer.reply(prack, '200 OK', sip.port);
    peer.reply(invite, '180 Ringing', sip.port, { headers: reliably(9) });
    peer.reply(invite, '180 Ringing', sip.port, { headers: reliably(8) });
    const second = await peer.next('PRACK', 1);
    expect([valueOf(second, 'RAck'), valueOf(second, 'CSeq')]).toEqual(['8 1 INVITE', '3 PRACK']);
    peer.reply(second, '200 OK', sip.port);
    expect(ports(media)).toEqual([4000]);
    peer.reply(invite, '200 OK', sip.port);
    await caller.until('answered');
    expect(caller.types).toEqual(['provisional', 'provisional', 'answered']);
    expect(peer.received.filter((text) => text.startsWith('PRACK'))).toHaveLength(2);
    caller.leg.hangUp();
    expect(valueOf(await peer.next('BYE'), 'CSeq')).toBe('4 BYE');
  });

  it('of several forks are counted apart', async () => {
    const { sip, peer, invite } = await dial();
    peer.reply(invite, '180 Ringing', sip.port, { tag: 'a', headers: reliably(5) });
    peer.reply(invite, '180 Ringing', sip.port, { tag: 'b', headers: reliably(50) });
    const pracks = [await peer.next('PRACK'), await peer.next('PRACK', 1)];
    expect(pracks.map((prack) => [valueOf(prack, 'RAck'), valueOf(prack, 'To').slice(-1)])).toEqual([['5 1 INVITE', 'a'], ['50 1 INVITE', 'b']]);
  });

  it('name the INVITE that they answer after a challenge, and a challenged PRACK keeps the CSeqs apart', async () => {
    const { sip, peer, invite, caller } = await dial({ trunk: { username: 'bob', password: 'secret' } });
    const challenge = 'Digest realm="r", nonce="n", qop="auth"';
    peer.reply(invite, '407 Proxy Authentication Required', sip.port, { headers: [`Proxy-Authenticate: ${challenge}`] });
    const second = await peer.next('INVITE', 1);
    peer.reply(second, '183 Session Progress', sip.port, { headers: reliably(1), body: SDP });
    const prack = await peer.next('PRACK');
    expect([valueOf(prack, 'RAck'), valueOf(prack, 'CSeq')]).toEqual(['1 2 INVITE', '3 PRACK']);
    peer.reply(prack, '407 Proxy Authentication Required', sip.port, { headers: [`Proxy-Authenticate: ${challenge}`] });
    const signed = await peer.next('PRACK', 1);
    expect([valueOf(signed, 'CSeq'), valueOf(signed, 'Proxy-Authorization')]).toEqual(['4 PRACK', expect.stringContaining('nc=00000002')]);
    peer.reply(signed, '200 OK', sip.port);
    peer.reply(second, '200 OK', sip.port);
    await caller.until('answered');
    caller.leg.hangUp();
    expect(valueOf(await peer.next('BYE'), 'CSeq')).toBe('5 BYE');
  });

  it.each([['required', /^Require: 100rel\r$/m, true], ['off', /^Supported: .*\b100rel\b/m, false]] as const)('are %s as the trunk says', async (reliableProvisional, pattern, there) => {
    const { invite } = await dial({ trunk: { reliableProvisional } });
    expect(pattern.test(invite)).toBe(there);
  });
});

describe('a CANCEL', () => {
  it('that meets a refusal on its way ends with that refusal', async () => {
    const { sip, peer, caller, invite } = await dial();
    peer.reply(invite, '180 Ringing', sip.port);
    await caller.until('provisional');
    caller.leg.hangUp();
    const cancel = await peer.next('CANCEL');
    peer.reply(invite, '486 Busy Here', sip.port);
    peer.reply(cancel, '481 Call/Transaction Does Not Exist', sip.port);
    expect(await caller.until('released')).toEqual({ type: 'released', sipStatus: 486 });
    expect(caller.types).not.toContain('failed');
  });

  it('whose 200 is lost is repeated until it comes', async () => {
    const clock = new VirtualClock();
    const { sip, peer, caller, invite } = await dial({ endpoint: { clock } });
    peer.reply(invite, '180 Ringing', sip.port);
    await caller.until('provisional');
    caller.leg.hangUp();
    const cancel = await peer.next('CANCEL');
    clock.advance(500);
    expect(await peer.next('CANCEL', 1)).toBe(cancel);
    peer.reply(cancel, '200 OK', sip.port);
    peer.reply(invite, '487 Request Terminated', sip.port);
    expect(await caller.until('released')).toEqual({ type: 'released', sipStatus: 487 });
  });
});
