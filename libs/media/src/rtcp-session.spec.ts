import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildRtcp, parseRtcp, type RtcpPacket } from './rtcp-packet.js';
import { ntpTime, type Reception, RtcpSession, type Sending } from './rtcp-session.js';

const WALL = Date.UTC(2026, 0, 5, 10);
const newSession = (ssrc = 1, random = () => 0.5): RtcpSession =>
  new RtcpSession({ ssrc, cname: `far ${ssrc}`, clockRateHz: 8000, wallOffsetMs: WALL, random });
const sending = (packets: number): Sending => ({ packets, octets: packets * 160, rtpTimestamp: packets * 160 });
const reception = (change: Partial<Reception> = {}): Reception => ({ ssrc: 2, expected: 100, received: 90, highestSequence: 0x10063, jitterMs: 5, ...change });
const first = (bytes: Uint8Array): RtcpPacket => parseRtcp(bytes)![0];

describe('RtcpSession', () => {
  it('reports every 2.5 to 7.5 s, at half of it first', () => {
    for (const [random, firstMs, nextMs] of [[0, 1250, 2500], [0.5, 2500, 5000], [0.999, 3748, 7495]] as const) {
      const session = newSession(1, () => random);
      expect([session.isDue(1000), session.isDue(1000 + firstMs - 1), session.isDue(1000 + firstMs)]).toEqual([false, false, true]);
      session.report(5000, sending(1), null);
      expect([session.isDue(5000 + nextMs - 1), session.isDue(5001 + nextMs)]).toEqual([false, true]);
    }
  });

  it('sends SR while it sends and for one report after, then RR; always with its name', () => {
    const session = newSession();
    const types = [10, 20, 20, 20, 30].map((packets, i) => parseRtcp(session.report(i * 5000, sending(packets), null))!.map(({ type }) => type));
    expect(types).toEqual([['SR', 'SDES'], ['SR', 'SDES'], ['SR', 'SDES'], ['RR', 'SDES'], ['SR', 'SDES']]);
    expect(parseRtcp(session.bye(30_000, sending(30), null))!.slice(1)).toEqual([{ type: 'SDES', chunks: [{ ssrc: 1, cname: 'far 1' }] }, { type: 'BYE', ssrcs: [1] }]);
  });

  it('tells loss since the report before and in all, the highest number and jitter', () => {
    const session = newSession();
    const blocks = [reception(), reception({ expected: 200, received: 190 }), reception({ expected: 300, received: 310 }), reception({ ssrc: 3, expected: 10, received: 5 })]
      .map((state, i) => { const packet = first(session.report(i, sending(0), state)); return packet.type === 'RR' ? packet.reports[0] : null; });
    expect(blocks[0]).toEqual({ ssrc: 2, fractionLost: 25, cumulativeLost: 10, highestSequence: 0x10063, jitter: 40, lastSr: 0, delaySinceLastSr: 0 });
    expect(blocks.slice(1)).toMatchObject([{ fractionLost: 0, cumulativeLost: 10 }, { fractionLost: 0, cumulativeLost: -10 }, { ssrc: 3, fractionLost: 128, cumulativeLost: 5 }]);
  });

  it('learns the round trip, and how the far end hears us', () => {
    const [near, far] = [newSession(1), newSession(2)];
    expect(near.farEnd()).toEqual({ roundTripMs: null, remotePacketsLost: null, remoteJitterMs: null });
    far.receive(near.report(1000, sending(50), null), 1040);
    far.receive(near.report(7000, sending(50), null), 7040);
    near.receive(far.report(9000, sending(0), reception({ ssrc: 1, expected: 50, received: 47, jitterMs: 8 })), 9060);
    expect(near.farEnd().roundTripMs).toBeCloseTo(100, 0);
    expect(near.farEnd()).toMatchObject({ remotePacketsLost: 3, remoteJitterMs: 8 });
  });

  it('does not believe impossible round trips or reports about others', () => {
    const session = newSession();
    const report = (ssrc: number, lastSr: number): Uint8Array => buildRtcp([{ type: 'RR', ssrc: 2, reports: [{ ssrc, fractionLost: 0, cumulativeLost: -4, highestSequence: 1, jitter: 0, lastSr, delaySinceLastSr: 0 }] }]);
    session.receive(report(77, 0), 0);
    expect(session.farEnd().remotePacketsLost).toBeNull();
    session.receive(report(1, 1), 0);
    expect(session.farEnd()).toEqual({ roundTripMs: null, remotePacketsLost: 0, remoteJitterMs: 0 });
  });

  it('tells a far end that is silent from one whose packets get lost', () => {
    const [near, far] = [newSession(1), newSession(2)];
    const heard = [10, 10, 20, 20, 20].map((packets, i) => near.receive(far.report(i * 5000, sending(packets), null), i * 5000)?.isSilent);
    // The last is an RR.
    expect(heard).toEqual([false, true, false, true, true]);
    expect(near.receive(far.bye(25_000, sending(20), null), 25_000)).toEqual({ isSilent: false });
  });

  it('takes any bytes', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 5 }), (datagrams) => {
      const session = newSession();
      for (const datagram of datagrams) session.receive(datagram, 0);
      expect(parseRtcp(session.report(0, sending(1), reception()))).toHaveLength(2);
    }));
  });

  it('writes time since 1900', () => {
    expect(ntpTime(0)).toEqual({ seconds: 2_208_988_800, fraction: 0 });
    expect(ntpTime(1500)).toEqual({ seconds: 2_208_988_801, fraction: 0x80000000 });
  });
});
