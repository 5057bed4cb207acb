import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RtcpPacketConverter, RtcpReceiverInfo, RtcpRrPacket, RtcpSenderInfo, RtcpSourceDescriptionPacket, RtcpSrPacket, SourceDescriptionChunk, SourceDescriptionItem } from 'werift-rtp';
import { buildRtcp, isRtcp, parseRtcp, type ReportBlock, type RtcpPacket } from './rtcp-packet.js';

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const blocks: fc.Arbitrary<ReportBlock[]> = fc.array(fc.record({
  ssrc: uint32, fractionLost: fc.nat(255), cumulativeLost: fc.integer({ min: -0x800000, max: 0x7fffff }), highestSequence: uint32,
  jitter: uint32, lastSr: uint32, delaySinceLastSr: uint32,
}), { maxLength: 31 });
const sender = fc.record({ ntp: fc.record({ seconds: uint32, fraction: uint32 }), rtpTimestamp: uint32, packetCount: uint32, octetCount: uint32 });
const cname = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).filter((text) => Buffer.byteLength(text) <= 255);
const packet: fc.Arbitrary<RtcpPacket> = fc.oneof(
  fc.record({ type: fc.constant('SR' as const), ssrc: uint32, sender, reports: blocks }),
  fc.record({ type: fc.constant('RR' as const), ssrc: uint32, reports: blocks }),
  fc.record({ type: fc.constant('SDES' as const), chunks: fc.array(fc.record({ ssrc: uint32, cname }), { maxLength: 5 }) }),
  fc.record({ type: fc.constant('BYE' as const), ssrcs: fc.array(uint32, { maxLength: 31 }) }),
);

const block: ReportBlock = { ssrc: 7, fractionLost: 12, cumulativeLost: 300, highestSequence: 0x1fffe, jitter: 80, lastSr: 0xabcd1234, delaySinceLastSr: 65_536 };

describe('RTCP packets', () => {
  it('parse back to what was built', () => {
    fc.assert(fc.property(fc.array(packet, { minLength: 1, maxLength: 4 }), (packets) => {
      expect(parseRtcp(buildRtcp(packets))).toEqual(packets);
    }));
  });

  it('are read by the reference implementation', () => {
    const [sr, sdes] = RtcpPacketConverter.deSerialize(Buffer.from(buildRtcp([
      { type: 'SR', ssrc: 99, sender: { ntp: { seconds: 0xe0000001, fraction: 0x80000000 }, rtpTimestamp: 160, packetCount: 3, octetCount: 480 }, reports: [block] },
      { type: 'SDES', chunks: [{ ssrc: 99, cname: 'abcde' }] },
    ]))) as [RtcpSrPacket, RtcpSourceDescriptionPacket];
    expect(sr.ssrc).toBe(99);
    expect(sr.senderInfo).toMatchObject({ ntpTimestamp: (0xe0000001n << 32n) | 0x80000000n, rtpTimestamp: 160, packetCount: 3, octetCount: 480 });
    expect(sr.reports[0]).toMatchObject({ ssrc: 7, fractionLost: 12, packetsLost: 300, highestSequence: 0x1fffe, jitter: 80, lsr: 0xabcd1234, dlsr: 65_536 });
    expect(sdes.chunks[0]).toMatchObject({ source: 99, items: [{ type: 1, text: 'abcde' }] });
  });

  it('read what the reference implementation builds', () => {
    const reports = [new RtcpReceiverInfo({ ssrc: 7, fractionLost: 12, packetsLost: 300, highestSequence: 0x1fffe, jitter: 80, lsr: 0xabcd1234, dlsr: 65_536 })];
    const sr = new RtcpSrPacket({ ssrc: 5, senderInfo: new RtcpSenderInfo({ ntpTimestamp: (9n << 32n) | 8n, rtpTimestamp: 1, packetCount: 2, octetCount: 3 }), reports });
    const sdes = new RtcpSourceDescriptionPacket({ chunks: [new SourceDescriptionChunk({ source: 5, items: [new SourceDescriptionItem({ type: 1, text: 'far end' })] })] });
    expect(parseRtcp(Buffer.concat([sr.serialize(), sdes.serialize()]))).toEqual([
      { type: 'SR', ssrc: 5, sender: { ntp: { seconds: 9, fraction: 8 }, rtpTimestamp: 1, packetCount: 2, octetCount: 3 }, reports: [block] },
      { type: 'SDES', chunks: [{ ssrc: 5, cname: 'far end' }] },
    ]);
    expect(parseRtcp(new RtcpRrPacket({ ssrc: 5, reports }).serialize())).toEqual([{ type: 'RR', ssrc: 5, reports: [block] }]);
  });

  it('are never anything but packets or nothing, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => { expect(Array.isArray(parseRtcp(bytes) ?? [])).toBe(true); }));
    const mutated = fc.tuple(fc.array(packet, { minLength: 1, maxLength: 3 }), fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 }), fc.nat(400));
    fc.assert(fc.property(mutated, ([packets, changes, cut]) => {
      const bytes = buildRtcp(packets);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      for (const parsed of [parseRtcp(bytes), parseRtcp(bytes.subarray(0, cut))]) expect(parsed === null || parsed.length > 0).toBe(true);
    }), { numRuns: 500 });
  });

  it('skip what they have no use for, with padding at the end', () => {
    const xr = Uint8Array.of(0x80, 207, 0, 1, 0, 0, 0, 9);
    const paddedBye = Uint8Array.of(0xa1, 203, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4);
    expect(parseRtcp(Uint8Array.of(...xr, ...paddedBye))).toEqual([{ type: 'other', packetType: 207 }, { type: 'BYE', ssrcs: [9] }]);
    expect(parseRtcp(Uint8Array.of(...paddedBye, ...xr))).toBeNull();
  });

  it('are told from RTP by the second byte', () => {
    expect([[0x80, 200, 0, 0], [0x80, 0, 0, 0], [0x80, 0x80 | 13, 0, 0], [0x40, 200, 0, 0], [0x80, 200]].map((bytes) => isRtcp(Uint8Array.from(bytes)))).toEqual([true, false, false, false, false]);
  });

  it('refuse what has no room in the format', () => {
    expect(() => buildRtcp([{ type: 'BYE', ssrcs: new Array<number>(32).fill(1) }])).toThrow(RangeError);
    expect(() => buildRtcp([{ type: 'SDES', chunks: [{ ssrc: 1, cname: 'x'.repeat(256) }] }])).toThrow(RangeError);
  });
});
