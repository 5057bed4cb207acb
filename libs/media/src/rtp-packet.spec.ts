import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RtpHeader, RtpPacket as OraclePacket } from 'werift-rtp';
import { buildRtpPacket, parseRtpPacket, type RtpPacket, rtpPayloadStart, sequenceDelta, timestampDelta, writeRtpHeader } from './rtp-packet.js';

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const payloadType = fc.integer({ min: 0, max: 127 }).filter((pt) => pt < 72 || pt > 79);
const packets: fc.Arbitrary<RtpPacket> = fc.record({
  marker: fc.boolean(), payloadType, sequenceNumber: fc.integer({ min: 0, max: 0xffff }), rtpTimestamp: uint32, ssrc: uint32,
  csrcs: fc.array(uint32, { maxLength: 15 }),
  extension: fc.option(fc.record({
    profile: fc.integer({ min: 0, max: 0xffff }),
    data: fc.integer({ min: 0, max: 8 }).chain((words) => fc.uint8Array({ minLength: words * 4, maxLength: words * 4 })),
  })),
  payload: fc.uint8Array({ maxLength: 200 }),
});

describe('RTP packets', () => {
  it('parse back to what was built, with any padding', () => {
    fc.assert(fc.property(packets, fc.integer({ min: 0, max: 255 }), (packet, paddingBytes) => {
      expect(parseRtpPacket(buildRtpPacket(packet, paddingBytes))).toEqual(packet);
    }));
  });

  it('tell where their payload begins, or that there is none', () => {
    fc.assert(fc.property(packets, fc.nat(400), (packet, cut) => {
      const bytes = buildRtpPacket(packet);
      const start = bytes.length - packet.payload.length;
      expect(rtpPayloadStart(bytes)).toBe(start);
      expect(rtpPayloadStart(bytes.subarray(0, cut))).toBe(cut < start ? null : start);
    }));
  });

  it('parse as the reference implementation parses them', () => {
    fc.assert(fc.property(packets, fc.integer({ min: 0, max: 20 }), (packet, paddingBytes) => {
      const oracle = OraclePacket.deSerialize(Buffer.from(buildRtpPacket(packet, paddingBytes)));
      expect({ ...packet, payload: [...packet.payload], extension: packet.extension !== null }).toEqual({
        marker: oracle.header.marker, payloadType: oracle.header.payloadType, sequenceNumber: oracle.header.sequenceNumber,
        rtpTimestamp: oracle.header.timestamp, ssrc: oracle.header.ssrc, csrcs: oracle.header.csrc,
        extension: oracle.header.extension, payload: [...oracle.payload],
      });
    }));
  });

  it('read what the reference implementation builds', () => {
    const header = new RtpHeader({ marker: true, payloadType: 8, sequenceNumber: 65535, timestamp: 4294967295, ssrc: 3000000000, csrc: [1, 2] });
    const parsed = parseRtpPacket(new OraclePacket(header, Buffer.from([1, 2, 3])).serialize());
    expect(parsed).toMatchObject({ marker: true, payloadType: 8, sequenceNumber: 65535, rtpTimestamp: 4294967295, ssrc: 3000000000, csrcs: [1, 2] });
    expect([...parsed!.payload]).toEqual([1, 2, 3]);
  });

  it('never throw on any bytes, and never yield a payload outside of them', () => {
    const rtpLike = fc.uint8Array({ minLength: 12, maxLength: 90 }).map((bytes) => { bytes[0] = 0x80 | (bytes[0] & 0x3f); return bytes; });
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), rtpLike), (bytes) => {
      const packet = parseRtpPacket(bytes);
      if (packet) expect(packet.payload.byteOffset - bytes.byteOffset + packet.payload.length).toBeLessThanOrEqual(bytes.length);
    }), { numRuns: 2000 });
  });

  it.each([
    ['too short', [0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]],
    ['version 1', [0x40, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['more CSRCs than bytes', [0x82, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]],
    ['an extension longer than the packet', [0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 9, 9]],
    ['padding longer than the payload', [0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 9]],
    ['padding of zero', [0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0]],
    ['an RTCP sender report', [0x80, 200, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1]],
  ])('refuses %s', (_, bytes) => { expect(parseRtpPacket(Uint8Array.from(bytes))).toBeNull(); });

  it('refuses to build what RTP cannot carry', () => {
    const packet = parseRtpPacket(Uint8Array.from([0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]))!;
    expect(() => buildRtpPacket({ ...packet, csrcs: new Array<number>(16).fill(1) })).toThrow(RangeError);
    expect(() => buildRtpPacket({ ...packet, extension: { profile: 1, data: new Uint8Array(3) } })).toThrow(RangeError);
  });

  it('writes a header over whatever a reused buffer held', () => {
    const buffer = new Uint8Array(12).fill(0xff);
    writeRtpHeader(buffer, { marker: false, payloadType: 0, sequenceNumber: 258, rtpTimestamp: 0x01020304, ssrc: 0xfffefdfc });
    expect([...buffer]).toEqual([0x80, 0, 1, 2, 1, 2, 3, 4, 0xff, 0xfe, 0xfd, 0xfc]);
  });

  it('compare numbers across the wrap', () => {
    expect([sequenceDelta(0, 65535), sequenceDelta(65535, 0), sequenceDelta(10, 5)]).toEqual([1, -1, 5]);
    expect([timestampDelta(80, 0xffffffb0), timestampDelta(0xffffffb0, 80)]).toEqual([160, -160]);
  });
});
