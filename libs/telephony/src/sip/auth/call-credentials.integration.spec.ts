import { afterEach, describe, expect, it } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import { dial, endCalls } from '../testing/dialled-call.js';
import { SDP } from '../testing/scripted-peer.js';

afterEach(endCalls);

describe('credentials', () => {
  const trunk = { username: 'bob', password: 'secret' };
  const challenge = (nonce: string, more = ''): string => `Digest realm="r", nonce="${nonce}", qop="auth"${more}`;

  it('satisfy a proxy and the server behind it in one call, and the ACK carries them too', async () => {
    const { sip, peer, invite, caller } = await dial({ trunk });
    peer.reply(invite, '407 Proxy Authentication Required', sip.port, { headers: [`Proxy-Authenticate: ${challenge('p')}`] });
    const second = await peer.next('INVITE', 1);
    expect(second).toMatch(/Proxy-Authorization: Digest .*nonce="p".*nc=00000001/);
    peer.reply(second, '401 Unauthorized', sip.port, { headers: [`WWW-Authenticate: ${challenge('s')}`] });
    const third = await peer.next('INVITE', 2);
    expect(third).toMatch(/Proxy-Authorization: Digest .*nonce="p".*nc=00000002/);
    expect(third).toMatch(/\r\nAuthorization: Digest .*nonce="s".*nc=00000001/);
    expect(third).toContain('CSeq: 3 INVITE');
    peer.reply(third, '200 OK', sip.port, { body: SDP });
    await caller.until('answered');
    const ack = (await Promise.all([0, 1, 2].map((nth) => peer.next('ACK', nth))))[2];
    expect(ack).toMatch(/\r\nAuthorization: Digest .*nonce="s"/);
    expect(ack).toMatch(/\r\nProxy-Authorization: Digest .*nonce="p"/);
    expect(ack).toContain('CSeq: 3 ACK');
  });

  it('satisfy a challenge to the BYE, counting on with a nonce they know', async () => {
    const { sip, peer, invite, caller } = await dial({ trunk });
    peer.reply(invite, '407 Proxy Authentication Required', sip.port, { headers: [`Proxy-Authenticate: ${challenge('n')}`] });
    const second = await peer.next('INVITE', 1);
    peer.reply(second, '200 OK', sip.port, { body: SDP });
    await caller.until('answered');
    caller.leg.hangUp();
    const bye = await peer.next('BYE');
    expect(bye).toContain('CSeq: 3 BYE');
    peer.reply(bye, '407 Proxy Authentication Required', sip.port, { headers: [`Proxy-Authenticate: ${challenge('n')}`] });
    const again = await peer.next('BYE', 1);
    expect(again).toMatch(/Proxy-Authorization: Digest .*nc=00000002/);
    expect(again).toContain('CSeq: 4 BYE');
    peer.reply(again, '200 OK', sip.port);
    expect(await caller.until('released')).toMatchObject({ sipStatus: 200 });
  });

  it('satisfy a challenge to a re-INVITE, in the order of the dialog', async () => {
    const clock = new VirtualClock();
    const { sip, peer, invite, caller } = await dial({ trunk: { ...trunk, sessionExpiresSeconds: 90 }, endpoint: { clock } });
    peer.reply(invite, '407 Proxy Authentication Required', sip.port, { headers: [`Proxy-Authenticate: ${challenge('n')}`] });
    peer.reply(await peer.next('INVITE', 1), '200 OK', sip.port, { body: SDP, headers: ['Session-Expires: 90;refresher=uac', 'Require: timer'] });
    await caller.until('answered');
    clock.advance(45_000);
    const refresh = (await Promise.all([0, 1, 2].map((nth) => peer.next('INVITE', nth))))[2];
    expect(refresh).toContain('CSeq: 3 INVITE');
    peer.reply(refresh, '407 Proxy Authentication Required', sip.port, { headers: [`Proxy-Authenticate: ${challenge('n')}`] });
    const again = await peer.next('INVITE', 3);
    expect([/CSeq: (.*)\r/.exec(again)?.[1], again]).toEqual(['4 INVITE', expect.stringMatching(/Proxy-Authorization: Digest .*nc=00000002/)]);
    peer.reply(again, '200 OK', sip.port, { body: SDP, headers: ['Session-Expires: 90;refresher=uac', 'Require: timer'] });
    await peer.next('ACK', 3);
    caller.leg.hangUp();
    expect(await peer.next('BYE')).toContain('CSeq: 5 BYE');
  });

  it('are not sent in answer to something that is no challenge', async () => {
    const { sip, peer, invite, caller } = await dial({ trunk });
    peer.reply(invite, '401 Unauthorized', sip.port, { headers: ['WWW-Authenticate: who, are you?'] });
    expect(await caller.until('failed')).toMatchObject({ sipStatus: 401 });
  });

  it('that are missing or not accepted are named in the reason', async () => {
    for (const [credentials, reason] of [[{}, "Unauthorized (the trunk has no username and password)"], [trunk, "Unauthorized (the trunk's username and password are not accepted)"]] as const) {
      const { sip, peer, invite, caller } = await dial({ trunk: credentials });
      peer.reply(invite, '401 Unauthorized', sip.port, { headers: [`WWW-Authenticate: ${challenge('a')}`] });
      if ('username' in credentials) peer.reply(await peer.next('INVITE', 1), '401 Unauthorized', sip.port, { headers: [`WWW-Authenticate: ${challenge('b')}`] });
      expect(await caller.until('failed')).toMatchObject({ sipStatus: 401, reason });
      await endCalls();
    }
  });
});
