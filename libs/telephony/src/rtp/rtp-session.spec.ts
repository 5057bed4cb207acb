import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import { buildRtcp, buildRtpPacket, isRtcp, NetworkImpairment, parseRtcp, sineWave, tonePurity } from '@dialfleet/media';
import type { RemoteMedia, SrtpParameters, SrtpSuite } from '../media-session.js';
import type { RtpSession } from './rtp-session.js';
import { SrtpReceiver, SrtpSender } from './srtp-session.js';
import { VirtualWire } from './virtual-wire.js';

const newKey = (): string => randomBytes(30).toString('base64');
const remoteOf = (session: RtpSession, change: Partial<RemoteMedia> = {}): RemoteMedia => ({
  ...session.local, direction: 'sendrecv', codec: { name: 'PCMU', payloadType: 0, clockRateHz: 8000 },
  telephoneEvent: { payloadType: 101, clockRateHz: 8000 }, ...change,
});
const mirror = ({ sendKey, receiveKey, ...same }: SrtpParameters): SrtpParameters => ({ ...same, sendKey: receiveKey, receiveKey: sendKey });
const newSrtp = (suite: SrtpSuite = 'AES_CM_128_HMAC_SHA1_80'): SrtpParameters => ({ suite, sendKey: newKey(), receiveKey: newKey() });

function pair(change: Partial<RemoteMedia> = {}, srtp?: SrtpParameters): { wire: VirtualWire; us: RtpSession; them: RtpSession } {
  const wire = new VirtualWire(new VirtualClock());
  const [us, them] = [wire.open(), wire.open({ address: '198.51.100.7' })];
  us.setRemote(remoteOf(them, { ...change, srtp }));
  them.setRemote(remoteOf(us, { ...change, srtp: srtp && mirror(srtp) }));
  return { wire, us, them };
}

const rtpPacket = (sequenceNumber: number, ssrc = 1): Uint8Array =>
  buildRtpPacket({ marker: false, payloadType: 0, sequenceNumber, rtpTimestamp: sequenceNumber * 160, ssrc, csrcs: [], extension: null, payload: new Uint8Array(160) });

function hear(session: RtpSession): number[] {
  const heard: number[] = [];
  session.events.on('audio', ({ pcm }) => heard.push(...pcm));
  return heard;
}

const timeouts = (session: RtpSession): number[] => {
  const silent: number[] = [];
  session.events.on('timeout', ({ silentMs }) => silent.push(silentMs));
  return silent;
};

describe('an SRTP session', () => {
  it.each(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] as const)('carries voice and digits with %s, and nothing readable', async (suite) => {
    const { wire, us, them } = pair({}, newSrtp(suite));
    const heard = hear(them);
    let digits = '';
    them.events.on('dtmf', ({ digit }) => { digits += digit; });
    us.play('tone', sineWave({ frequencyHz: 700, durationMs: 1000 }));
    wire.run(1500);
    void us.sendDtmf('19#');
    wire.run(3000);
    expect(tonePurity(Int16Array.from(heard.slice(1600, 7200)), 700)).toBeGreaterThan(0.99);
    expect(digits).toBe('19#');
    expect(await us.stats()).toMatchObject({ srtp: true, packetsUnauthentic: 0, packetsForeign: 0, packetsLost: 0 });
    // Silence in PCMU is all ones: sent in clear it would show.
    expect(wire.log.some(({ bytes }) => bytes.includes(Buffer.alloc(8, 0xff)))).toBe(false);
  });

  it('neither hears nor follows who has no key, from wherever it comes', async () => {
    const srtp = newSrtp();
    const { wire, us, them } = pair({}, srtp);
    const heard = hear(us);
    for (let n = 0; n < 10; n++) for (const from of [{ ...them.local }, { ...them.local, port: 4444 }, { address: '203.0.113.9', port: 9 }]) wire.inject(from, us.local, rtpPacket(n));
    us.tick(wire.clock.monotonicMs());
    expect(heard).toEqual([]);
    expect(await us.stats()).toMatchObject({ packetsReceived: 0, packetsUnauthentic: 30 });
    expect(wire.log.at(-1)?.to).toEqual(them.local);
  });

  it('follows a far end behind NAT once it is authentic', async () => {
    const srtp = newSrtp();
    const { wire, us } = pair({}, srtp);
    const nat = { address: '203.0.113.9', port: 40_000 };
    const sender = new SrtpSender(srtp.suite, srtp.receiveKey, 5);
    for (let n = 0; n < 4; n++) {
      const packet = Buffer.alloc(182);
      packet.set(rtpPacket(n, 5));
      sender.protectRtp(packet, 172);
      wire.inject(nat, us.local, packet);
    }
    us.tick(wire.clock.monotonicMs());
    expect(wire.log.at(-1)?.to).toEqual(nat);
  });

  it('goes on over a re-INVITE with the same keys, and over one with a new key of the far end', async () => {
    const srtp = newSrtp();
    const { wire, us, them } = pair({}, srtp);
    wire.run(1000);
    us.setRemote(remoteOf(them, { srtp }));
    wire.run(1000);
    const rekeyed = { ...srtp, receiveKey: newKey() };
    us.setRemote(remoteOf(them, { srtp: rekeyed }));
    them.setRemote(remoteOf(us, { srtp: mirror(rekeyed) }));
    wire.run(1000);
    // Packets that were under way at the change have the old key.
    expect((await us.stats()).packetsUnauthentic).toBeLessThanOrEqual(1);
    expect((await us.stats()).packetsReceived).toBeGreaterThan(146);
    expect(await them.stats()).toMatchObject({ packetsUnauthentic: 0 });
  });

  it('protects its reports, and ends with BYE', async () => {
    const srtp = newSrtp();
    const { wire, us, them } = pair({}, srtp);
    wire.run(12_000);
    await us.close();
    const reports = wire.log.filter(({ from, to }) => from.address === us.local.address && to.port === them.local.port + 1);
    expect(reports.length).toBeGreaterThanOrEqual(3);
    const receiver = new SrtpReceiver(srtp.suite, srtp.sendKey);
    const read = reports.map(({ bytes }) => parseRtcp(receiver.unprotectRtcp(Buffer.from(bytes))!)!.map(({ type }) => type));
    expect(read[0]).toEqual(['SR', 'SDES']);
    expect(read.at(-1)).toEqual(['SR', 'SDES', 'BYE']);
    expect((await them.stats()).roundTripMs).toBeCloseTo(10, -1);
  });
});

describe('RTCP of a session', () => {
  it('goes to the port above RTP and gives round trip, loss and jitter of both ends', async () => {
    const { wire, us, them } = pair();
    wire.delayMs = 40;
    wire.impairment = new NetworkImpairment({ seed: 5, lossRatio: 0.05, jitterMs: 15 });
    wire.run(25_000);
    const [ours, theirs] = [await us.stats(), await them.stats()];
    expect(ours.roundTripMs).toBeGreaterThan(75);
    expect(ours.roundTripMs).toBeLessThan(105);
    // What they counted at their last report.
    expect(ours.remotePacketsLost).toBeGreaterThan(0.6 * theirs.packetsLost);
    expect(ours.remotePacketsLost).toBeLessThanOrEqual(theirs.packetsLost);
    expect(ours.remoteJitterMs).toBeGreaterThan(1);
    expect(ours).toMatchObject({ codec: 'PCMU', srtp: false, packetsForeign: 0 });
    expect(ours.mos).toBeGreaterThan(3);
    expect(ours.mos).toBeLessThan(4.2);
    expect(wire.log.filter(({ bytes }) => isRtcp(bytes)).every(({ from, to }) => from.port % 2 === 1 && to.port % 2 === 1)).toBe(true);
  });

  it('goes the way of RTP where both were agreed to share a port', async () => {
    const { wire, us } = pair({ rtcp: { mux: true } });
    wire.run(12_000);
    const reports = wire.log.filter(({ bytes }) => isRtcp(bytes));
    expect(reports.length).toBeGreaterThanOrEqual(4);
    expect(reports.every(({ from, to }) => from.port % 2 === 0 && to.port % 2 === 0)).toBe(true);
    expect((await us.stats()).roundTripMs).not.toBeNull();
  });

  it('goes where a=rtcp says', () => {
    const wire = new VirtualWire(new VirtualClock());
    const us = wire.open();
    us.setRemote(remoteOf(us, { address: '198.51.100.7', port: 4000, rtcp: { mux: false, port: 7777, address: '198.51.100.8' } }));
    wire.run(5000);
    expect(wire.log.filter(({ bytes }) => isRtcp(bytes))).toMatchObject([{ from: { port: us.local.port + 1 }, to: { address: '198.51.100.8', port: 7777 } }]);
  });

  it('follows a far end behind NAT to the port its reports come from, and believes nobody else', async () => {
    const { wire, us, them } = pair();
    await them.close();
    const [rtp, rtcp] = [{ address: '203.0.113.9', port: 40_000 }, { address: '203.0.113.9', port: 51_111 }];
    const report = buildRtcp([{ type: 'RR', ssrc: 8, reports: [] }]);
    const at = { ...us.local, port: us.local.port + 1 };
    for (let n = 0; n < 4; n++) wire.inject(rtp, us.local, rtpPacket(n));
    wire.inject({ address: '203.0.113.66', port: 1 }, at, report);
    wire.inject(rtcp, at, report);
    wire.inject({ ...rtcp, port: 5 }, at, report);
    wire.run(3000);
    expect((await us.stats()).packetsForeign).toBe(2);
    expect(wire.log.filter(({ from }) => from.port === at.port).map(({ to }) => to)).toEqual([rtcp]);
  });

  it('is not harmed by any bytes on its port', async () => {
    const { wire, us, them } = pair();
    wire.run(100);
    for (let length = 0; length < 200; length++) wire.inject({ ...them.local, port: them.local.port + 1 }, { ...us.local, port: us.local.port + 1 }, randomBytes(length));
    wire.run(10_000);
    expect((await us.stats()).roundTripMs).not.toBeNull();
  });
});

describe('media time-out', () => {
  it('comes 30 s after media is expected when none ever came, 15 s after the last packet else', async () => {
    const { wire, us, them } = pair();
    await them.close();
    const silent = timeouts(us);
    wire.run(60_000);
    expect(silent).toEqual([]);
    us.expectMedia(true);
    wire.run(29_900);
    expect(silent).toEqual([]);
    wire.run(200);
    expect(silent).toEqual([30_000]);
    wire.inject(them.local, us.local, rtpPacket(1));
    wire.run(14_900);
    expect(silent).toHaveLength(1);
    wire.run(200);
    expect(silent).toEqual([30_000, 15_000]);
  });

  it('does not count before answer, through early media, or on hold', async () => {
    const { wire, us, them } = pair();
    const silent = timeouts(us);
    // Early media, then silence until answer; the 15 s begin with the answer.
    wire.run(1000);
    them.setRemote(remoteOf(us, { direction: 'inactive' }));
    wire.run(40_000);
    us.expectMedia(true);
    wire.run(14_000);
    us.expectMedia(false);
    wire.run(100_000);
    us.expectMedia(true);
    wire.run(14_000);
    expect(silent).toEqual([]);
    them.setRemote(remoteOf(us));
    wire.run(20_000);
    expect(silent).toEqual([]);
  });

  it('a far end that suppresses silence lives by its comfort noise or its reports', async () => {
    const { wire, us, them } = pair();
    const silent = timeouts(us);
    us.expectMedia(true);
    wire.run(1000);
    // Sends no more, but its RTCP says that it sent nothing.
    them.setRemote(remoteOf(us, { direction: 'recvonly' }));
    wire.run(120_000);
    expect(silent).toEqual([]);
    await them.close();
    wire.run(16_000);
    expect(silent).toHaveLength(1);
  });

  it('a far end that sends comfort noise now and then is heard of', async () => {
    const { wire, us, them } = pair();
    await them.close();
    const silent = timeouts(us);
    us.expectMedia(true);
    for (let n = 0; n < 10; n++) {
      wire.inject(them.local, us.local, buildRtpPacket({ marker: false, payloadType: 13, sequenceNumber: n, rtpTimestamp: n * 80_000, ssrc: 1, csrcs: [], extension: null, payload: Uint8Array.of(40) }));
      wire.run(10_000);
    }
    expect(silent).toEqual([]);
    wire.run(6000);
    expect(silent).toEqual([15_000]);
  });

  it('is not begun anew by a re-INVITE', async () => {
    const { wire, us, them } = pair();
    await them.close();
    const silent = timeouts(us);
    wire.inject(them.local, us.local, rtpPacket(1));
    us.expectMedia(true);
    for (let n = 0; n < 3; n++) {
      wire.run(4900);
      us.setRemote(remoteOf(them, { port: 5000 + 2 * n }));
      us.expectMedia(true);
    }
    wire.run(400);
    expect(silent).toEqual([15_000]);
  });

  it('comes though reports do, when they say that packets were sent', () => {
    const { wire, us } = pair();
    const silent = timeouts(us);
    us.expectMedia(true);
    wire.run(1000);
    wire.impairment = new NetworkImpairment({ seed: 1, lossRatio: 1 });
    wire.run(20_000);
    expect(silent).toHaveLength(1);
  });
});

describe('a session on a bad network', () => {
  it('counts every digit once through 5 % loss, 20 % reordering, duplicates and jitter, plain and SRTP', async () => {
    for (const srtp of [undefined, newSrtp()]) {
      for (let seed = 1; seed <= 5; seed++) {
        const { wire, us, them } = pair({}, srtp);
        wire.impairment = new NetworkImpairment({ seed, lossRatio: 0.05, reorderRatio: 0.2, reorderMs: 50, duplicateRatio: 0.05, jitterMs: 10 });
        let digits = '';
        them.events.on('dtmf', ({ digit }) => { digits += digit; });
        wire.run(500);
        void us.sendDtmf('1123456789*0#ABCD55');
        wire.run(8000);
        expect(digits).toBe('1123456789*0#ABCD55');
        expect((await them.stats()).packetsLost).toBeGreaterThan(5);
      }
    }
  });

  it('follows a changed SSRC through SRTP', async () => {
    const srtp = newSrtp();
    const { wire, us, them } = pair({}, srtp);
    wire.run(500);
    await them.close();
    const sender = new SrtpSender(srtp.suite, srtp.receiveKey, 99);
    const before = (await us.stats()).packetsReceived;
    for (let n = 0; n < 50; n++) {
      const packet = Buffer.alloc(182);
      packet.set(rtpPacket(60_000 + n, 99));
      sender.protectRtp(packet, 172);
      wire.inject(them.local, us.local, packet);
      wire.run(20);
    }
    expect(await us.stats()).toMatchObject({ packetsReceived: before + 50, packetsLost: 0, packetsUnauthentic: 0 });
  });

  it('writes IPv6 addresses of descriptions and of packets alike', async () => {
    const wire = new VirtualWire(new VirtualClock());
    const [us, them] = [wire.open({ address: '2001:db8::1' }), wire.open({ address: '2001:db8::2' })];
    us.setRemote(remoteOf(them, { address: '2001:0db8:0:0:0:0:0:2' }));
    them.setRemote(remoteOf(us));
    wire.run(400);
    expect((await us.stats()).packetsReceived).toBe(20);
    expect(wire.log.every(({ to }) => /^2001:db8::[12]$/.test(to.address))).toBe(true);
  });
});
