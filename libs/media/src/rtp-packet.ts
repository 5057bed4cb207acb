/** One RTP packet (RFC 3550 §5.1). `payload` is a view into the bytes it was parsed from, padding removed. */
export interface RtpPacket {
  marker: boolean;
  payloadType: number;
  sequenceNumber: number;
  rtpTimestamp: number;
  ssrc: number;
  csrcs: readonly number[];
  extension: { profile: number; data: Uint8Array } | null;
  payload: Uint8Array;
}

export const RTP_HEADER_BYTES = 12;

const NO_CSRCS: readonly number[] = [];

const readUint16 = (bytes: Uint8Array, at: number): number => (bytes[at] << 8) | bytes[at + 1];
const readUint32 = (bytes: Uint8Array, at: number): number => ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;

function readCsrcs(bytes: Uint8Array, count: number): readonly number[] {
  if (count === 0) return NO_CSRCS;
  return Array.from({ length: count }, (_, i) => readUint32(bytes, RTP_HEADER_BYTES + 4 * i));
}

/** `null`: not a valid RTP packet (RFC 3550 Appendix A.1), whatever the bytes are. RTCP is refused by its packet types. */
export function parseRtpPacket(bytes: Uint8Array): RtpPacket | null {
  if (bytes.length < RTP_HEADER_BYTES || bytes[0] >> 6 !== 2) return null;
  const payloadType = bytes[1] & 0x7f;
  // 200..207 with the marker bit are RTCP (RFC 5761 §4).
  if (payloadType >= 72 && payloadType <= 79) return null;
  const csrcCount = bytes[0] & 0x0f;
  let start = RTP_HEADER_BYTES + 4 * csrcCount;
  let end = bytes.length;
  let extension: RtpPacket['extension'] = null;
  if (bytes[0] & 0x10) {
    if (start + 4 > end) return null;
    const dataStart = start + 4;
    start = dataStart + 4 * readUint16(bytes, start + 2);
    if (start > end) return null;
    extension = { profile: readUint16(bytes, dataStart - 4), data: bytes.subarray(dataStart, start) };
  }
  if (bytes[0] & 0x20) {
    const paddingBytes = bytes[end - 1];
    if (paddingBytes === 0) return null;
    end -= paddingBytes;
  }
  if (start > end) return null;
  return {
    marker: bytes[1] >= 0x80, payloadType, sequenceNumber: readUint16(bytes, 2), rtpTimestamp: readUint32(bytes, 4),
    ssrc: readUint32(bytes, 8), csrcs: readCsrcs(bytes, csrcCount), extension, payload: bytes.subarray(start, end),
  };
}

/** Where the payload begins, header extension passed over; `null`: no RTP packet. Holds for encrypted packets too. */
export function rtpPayloadStart(bytes: Uint8Array): number | null {
  if (bytes.length < RTP_HEADER_BYTES || bytes[0] >> 6 !== 2) return null;
  let start = RTP_HEADER_BYTES + 4 * (bytes[0] & 0x0f);
  if (bytes[0] & 0x10) start += start + 4 > bytes.length ? Infinity : 4 + 4 * readUint16(bytes, start + 2);
  return start <= bytes.length ? start : null;
}

/** Writes the fixed header (no CSRC, extension or padding) at the start of `out`; the payload follows at `RTP_HEADER_BYTES`. */
export function writeRtpHeader(out: Uint8Array, header: Pick<RtpPacket, 'marker' | 'payloadType' | 'sequenceNumber' | 'rtpTimestamp' | 'ssrc'>): void {
  out[0] = 0x80;
  out[1] = (header.marker ? 0x80 : 0) | header.payloadType;
  out[2] = header.sequenceNumber >>> 8;
  out[3] = header.sequenceNumber;
  writeUint32(out, 4, header.rtpTimestamp);
  writeUint32(out, 8, header.ssrc);
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

/**
 * A whole packet. `paddingBytes` (0..255) are appended and announced.
 * @throws RangeError when there are more than 15 CSRCs or the extension is not a multiple of 4 bytes.
 */
export function buildRtpPacket(packet: RtpPacket, paddingBytes = 0): Uint8Array {
  const { csrcs, extension, payload } = packet;
  if (csrcs.length > 15) throw new RangeError('an RTP packet has at most 15 CSRCs');
  if (extension && extension.data.length % 4 !== 0) throw new RangeError('an RTP header extension is a multiple of 4 bytes');
  const payloadStart = RTP_HEADER_BYTES + 4 * csrcs.length + (extension ? 4 + extension.data.length : 0);
  const out = new Uint8Array(payloadStart + payload.length + paddingBytes);
  writeRtpHeader(out, packet);
  out[0] |= csrcs.length | (extension ? 0x10 : 0) | (paddingBytes > 0 ? 0x20 : 0);
  csrcs.forEach((csrc, i) => writeUint32(out, RTP_HEADER_BYTES + 4 * i, csrc));
  if (extension) {
    const at = RTP_HEADER_BYTES + 4 * csrcs.length;
    writeUint32(out, at, extension.profile * 0x10000 + extension.data.length / 4);
    out.set(extension.data, at + 4);
  }
  out.set(payload, payloadStart);
  if (paddingBytes > 0) out[out.length - 1] = paddingBytes;
  return out;
}

/** `a - b` of 16 bit sequence numbers across the wrap: -32768..32767. */
export const sequenceDelta = (a: number, b: number): number => ((a - b) << 16) >> 16;

/** `a - b` of 32 bit RTP timestamps across the wrap. */
export const timestampDelta = (a: number, b: number): number => (a - b) | 0;
