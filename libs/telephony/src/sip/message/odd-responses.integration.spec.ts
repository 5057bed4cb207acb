import { afterEach, describe, expect, it } from '@jest/globals';
import { dial, endCalls } from '../testing/dialled-call.js';
import { SDP, type ScriptedPeer } from '../testing/scripted-peer.js';

afterEach(endCalls);

/** A response with this Contact line, or none. */
const respond = (peer: ScriptedPeer, request: string, startLine: string, port: number, contact: string | undefined, body = '', more: readonly string[] = []): void => {
  const line = (name: string): string => new RegExp(`^${name}: .*$`, 'm').exec(request)?.[0].trimEnd() ?? '';
  peer.send([`SIP/2.0 ${startLine}`, line('Via'), line('From'), `${line('To')};tag=odd`, line('Call-ID'), line('CSeq'), ...(contact === undefined ? [] : [`Contact: ${contact}`]), ...more,
    ...(body ? ['Content-Type: application/sdp'] : []), `Content-Length: ${body.length}`, '', body].join('\r\n'), port);
};

describe('a Contact that cannot be used', () => {
  it.each([undefined, '*', '<sip:unclosed', 'no address at all'])('does not lose the answer to a call: %j', async (contact) => {
    const { sip, peer, invite, caller } = await dial();
    respond(peer, invite, '200 OK', sip.port, contact, SDP);
    await caller.until('answered');
    expect((await peer.next('ACK')).split(' ')[1]).toBe(invite.split(' ')[1]);
    caller.leg.hangUp();
    peer.reply(await peer.next('BYE'), '200 OK', sip.port);
    await caller.until('released');
  });

  it.each([
    ['<tel:+14155550177>;q=0.9', "to tel:+14155550177, which is not among the trunk's redirect hosts"], ['*', 'without an address to go to'], ['garbage <<>', 'without an address to go to'],
  ])('does not lose a redirection: %s', async (contact, told) => {
    const { sip, peer, invite, caller } = await dial();
    respond(peer, invite, '302 Moved Temporarily', sip.port, contact);
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 302, reason: `Moved Temporarily ${told}` });
    expect(await peer.next('ACK')).toContain('CSeq: 1 ACK');
  });

  it('does not lose a refusal', async () => {
    const { sip, peer, invite, caller } = await dial();
    respond(peer, invite, '486 Busy Here', sip.port, '<>');
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 486, reason: 'Busy Here' });
  });
});

describe('what else no grammar has a place for', () => {
  it.each([
    ['200 OK [x] {y} "z" <w>', []], ['200', []], ['200 OK', ['Refer-To: ']], ['200 OK', ['Record-Route: sip:127.0.0.1;lr']],
  ])('does not lose an answer: %s %j', async (startLine, more) => {
    const { sip, peer, invite, caller } = await dial();
    respond(peer, invite, startLine, sip.port, `<sip:taken;tgrp=a@127.0.0.1:${peer.port}>`, SDP, more);
    await caller.until('answered');
    const [, uri] = (await peer.next('ACK')).split(' ');
    expect(uri).toBe(more.some((line) => line.startsWith('Record-Route')) ? invite.split(' ')[1] : `sip:taken;tgrp=a@127.0.0.1:${peer.port}`);
  });

  it('does not lose a refusal, whose phrase is told without it', async () => {
    const { sip, peer, invite, caller } = await dial();
    respond(peer, invite, '503 Limit <reached>', sip.port, undefined);
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 503, reason: 'Limit  reached' });
  });

  it('ends a call whose answer has a body of no known kind', async () => {
    const { sip, peer, invite, caller } = await dial();
    respond(peer, invite, '200 OK', sip.port, `<sip:x@127.0.0.1:${peer.port}>`, '', ['Content-Type: none']);
    expect(await caller.until('fault')).toMatchObject({ reason: 'trunk_failed', detail: 'the far end answered without a session description' });
    await peer.next('BYE');
  });
});

it('a far end that wants ever longer sessions is not followed for ever', async () => {
  const { sip, peer, invite, caller } = await dial();
  let again = invite;
  for (let turn = 1; turn <= 3; turn++) {
    peer.reply(again, '422 Session Interval Too Small', sip.port, { headers: [`Min-SE: ${2_000 + turn}`] });
    again = await peer.next('INVITE', turn);
    expect(again).toContain(`Session-Expires: ${2_000 + turn}`);
  }
  peer.reply(again, '422 Session Interval Too Small', sip.port, { headers: ['Min-SE: 2004'] });
  expect(await caller.until('failed')).toMatchObject({ sipStatus: 422 });
});

it('tells the messages of a call that is closed before its far end confirmed that it is over', async () => {
  const { peer, caller } = await dial();
  const told: string[] = [];
  caller.leg.events.on('ladder', ({ messages }) => told.push(...messages.map(({ startLine }) => startLine.split(' ')[0])));
  await caller.leg.close();
  expect([told, peer.received.length]).toEqual([['INVITE'], 1]);
});
