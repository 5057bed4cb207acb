/** NTP time in its two halves: seconds since 1900 and 1/2^32 seconds (RFC 3550 §4). */
export interface NtpTime { seconds: number; fraction: number }

export interface SenderInfo { ntp: NtpTime; rtpTimestamp: number; packetCount: number; octetCount: number }

/** What one receiver says of one source (RFC 3550 §6.4.1). */
export interface ReportBlock {
  ssrc: number;
  /** Since the report before, in 1/256. */
  fractionLost: number;
  /** Signed: duplicates may outnumber losses. */
  cumulativeLost: number;
  highestSequence: number;
  /** In units of the RTP timestamp. */
  jitter: number;
  /** Middle 32 bits of the NTP time in the last sender report, and the delay since, in 1/65536 s; 0: none came yet. */
  lastSr: number;
  delaySinceLastSr: number;
}

export type RtcpPacket =
  | { type: 'SR'; ssrc: number; sender: SenderInfo; reports: ReportBlock[] }
  | { type: 'RR'; ssrc: number; reports: ReportBlock[] }
  /** Only the CNAME of a chunk is kept. */
  | { type: 'SDES'; chunks: { ssrc: number; cname: string }[] }
  | { type: 'BYE'; ssrcs: number[] }
  /** Of no use here: APP, feedback, XR (RFC 3611). */
  | { type: 'other'; packetType: number };

const TYPES = { SR: 200, RR: 201, SDES: 202, BYE: 203 } as const;
const HEADER_BYTES = 4;
const SENDER_INFO_BYTES = 20;
const BLOCK_BYTES = 24;
const CNAME = 1;
const MAX_COUNT = 31;

/** RTCP and RTP on one port are told apart by the second byte (RFC 5761 §4). */
export const isRtcp = (bytes: Uint8Array): boolean => bytes.length >= HEADER_BYTES && bytes[0] >> 6 === 2 && bytes[1] >= 192 && bytes[1] <= 223;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The packets of a compound, or of a reduced-size one (RFC 5506); `null`: not valid (RFC 3550 Appendix A.2). Never throws. */
export function parseRtcp(bytes: Uint8Array): RtcpPacket[] | null {
  const packets: RtcpPacket[] = [];
  for (let start = 0; start < bytes.length;) {
    if (!isRtcp(bytes.subarray(start))) return null;
    const end = start + HEADER_BYTES + 4 * ((bytes[start + 2] << 8) | bytes[start + 3]);
    if (end > bytes.length) return null;
    const packet = parseOne(withoutPadding(bytes.subarray(start, end), end === bytes.length));
    if (!packet) return null;
    packets.push(packet);
    start = end;
  }
  return packets.length > 0 ? packets : null;
}

/** Padding stands in the last packet only; elsewhere, or where it is too long, nothing is left to parse. */
function withoutPadding(packet: Uint8Array, isLast: boolean): Uint8Array {
  if (!(packet[0] & 0x20)) return packet;
  const padding = packet[packet.length - 1];
  const isValid = isLast && padding > 0 && padding % 4 === 0 && padding <= packet.length - HEADER_BYTES;
  return isValid ? packet.subarray(0, packet.length - padding) : packet.subarray(0, 0);
}

function parseOne(packet: Uint8Array): RtcpPacket | null {
  if (packet.length < HEADER_BYTES) return null;
  const view = viewOf(packet);
  const count = packet[0] & 0x1f;
  switch (packet[1]) {
    case TYPES.SR: return parseSenderReport(view, count);
    case TYPES.RR: return parseReceiverReport(view, count);
    case TYPES.SDES: return parseSourceDescription(packet, view, count);
    case TYPES.BYE: return parseBye(view, count);
    default: return { type: 'other', packetType: packet[1] };
  }
}

function parseSenderReport(view: DataView, count: number): RtcpPacket | null {
  const blocksAt = HEADER_BYTES + 4 + SENDER_INFO_BYTES;
  if (view.byteLength < blocksAt + BLOCK_BYTES * count) return null;
  const sender: SenderInfo = {
    ntp: { seconds: view.getUint32(8), fraction: view.getUint32(12) },
    rtpTimestamp: view.getUint32(16), packetCount: view.getUint32(20), octetCount: view.getUint32(24),
  };
  return { type: 'SR', ssrc: view.getUint32(4), sender, reports: parseBlocks(view, blocksAt, count) };
}

function parseReceiverReport(view: DataView, count: number): RtcpPacket | null {
  const blocksAt = HEADER_BYTES + 4;
  if (view.byteLength < blocksAt + BLOCK_BYTES * count) return null;
  return { type: 'RR', ssrc: view.getUint32(4), reports: parseBlocks(view, blocksAt, count) };
}

function parseBlocks(view: DataView, from: number, count: number): ReportBlock[] {
  return Array.from({ length: count }, (_, i) => {
    const at = from + BLOCK_BYTES * i;
    return {
      ssrc: view.getUint32(at), fractionLost: view.getUint8(at + 4), cumulativeLost: view.getInt32(at + 4) << 8 >> 8,
      highestSequence: view.getUint32(at + 8), jitter: view.getUint32(at + 12), lastSr: view.getUint32(at + 16), delaySinceLastSr: view.getUint32(at + 20),
    };
  });
}

/** Chunks: SSRC, items of type, length and text, a zero, padding to 32 bits (RFC 3550 §6.5). */
function parseSourceDescription(packet: Uint8Array, view: DataView, count: number): RtcpPacket | null {
  const chunks: { ssrc: number; cname: string }[] = [];
  let at = HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    if (at + 4 > packet.length) return null;
    const ssrc = view.getUint32(at);
    let cname = '';
    at += 4;
    while (at < packet.length && packet[at] !== 0) {
      const textAt = at + 2;
      const end = textAt + packet[at + 1];
      if (!(end <= packet.length)) return null;
      if (packet[at] === CNAME) cname = Buffer.from(packet.subarray(textAt, end)).toString('utf8');
      at = end;
    }
    at = (at & ~3) + 4;
    if (cname !== '') chunks.push({ ssrc, cname });
  }
  return { type: 'SDES', chunks };
}

function parseBye(view: DataView, count: number): RtcpPacket | null {
  if (view.byteLength < HEADER_BYTES + 4 * count) return null;
  return { type: 'BYE', ssrcs: Array.from({ length: count }, (_, i) => view.getUint32(HEADER_BYTES + 4 * i)) };
}

/** @throws RangeError for more than 31 entries in a packet, a CNAME of more than 255 bytes, or `other`. */
export function buildRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  const parts = packets.map(buildOne);
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function buildOne(packet: RtcpPacket): Uint8Array {
  switch (packet.type) {
    case 'SR': return buildSenderReport(packet);
    case 'RR': return buildReceiverReport(packet);
    case 'SDES': return buildSourceDescription(packet.chunks);
    case 'BYE': return buildBye(packet.ssrcs);
    case 'other': throw new RangeError('packets of other types are not built here');
  }
}

function begin(packetType: number, count: number, bytes: number): { out: Uint8Array; view: DataView } {
  if (count > MAX_COUNT) throw new RangeError('an RTCP packet has at most 31 entries');
  const out = new Uint8Array(bytes);
  const view = viewOf(out);
  out[0] = 0x80 | count;
  out[1] = packetType;
  view.setUint16(2, bytes / 4 - 1);
  return { out, view };
}

function buildSenderReport({ ssrc, sender, reports }: RtcpPacket & { type: 'SR' }): Uint8Array {
  const blocksAt = HEADER_BYTES + 4 + SENDER_INFO_BYTES;
  const { out, view } = begin(TYPES.SR, reports.length, blocksAt + BLOCK_BYTES * reports.length);
  [ssrc, sender.ntp.seconds, sender.ntp.fraction, sender.rtpTimestamp, sender.packetCount, sender.octetCount]
    .forEach((value, i) => { view.setUint32(HEADER_BYTES + 4 * i, value); });
  writeBlocks(view, blocksAt, reports);
  return out;
}

function buildReceiverReport({ ssrc, reports }: RtcpPacket & { type: 'RR' }): Uint8Array {
  const blocksAt = HEADER_BYTES + 4;
  const { out, view } = begin(TYPES.RR, reports.length, blocksAt + BLOCK_BYTES * reports.length);
  view.setUint32(HEADER_BYTES, ssrc);
  writeBlocks(view, blocksAt, reports);
  return out;
}

function writeBlocks(view: DataView, from: number, reports: readonly ReportBlock[]): void {
  reports.forEach((report, i) => {
    const at = from + BLOCK_BYTES * i;
    view.setUint32(at, report.ssrc);
    view.setUint32(at + 4, (report.cumulativeLost & 0xffffff) | (report.fractionLost << 24));
    view.setUint32(at + 8, report.highestSequence);
    view.setUint32(at + 12, report.jitter);
    view.setUint32(at + 16, report.lastSr);
    view.setUint32(at + 20, report.delaySinceLastSr);
  });
}

function buildSourceDescription(chunks: readonly { ssrc: number; cname: string }[]): Uint8Array {
  const texts = chunks.map(({ cname }) => Buffer.from(cname, 'utf8'));
  if (texts.some((text) => text.length > 255)) throw new RangeError('a CNAME has at most 255 bytes');
  // SSRC, item header, text, then one to four zeros.
  const lengths = texts.map((text) => 4 + ((2 + text.length) & ~3) + 4);
  const { out, view } = begin(TYPES.SDES, chunks.length, lengths.reduce((sum, length) => sum + length, HEADER_BYTES));
  let at = HEADER_BYTES;
  chunks.forEach(({ ssrc }, i) => {
    view.setUint32(at, ssrc);
    out[at + 4] = CNAME;
    out[at + 5] = texts[i].length;
    out.set(texts[i], at + 6);
    at += lengths[i];
  });
  return out;
}

function buildBye(ssrcs: readonly number[]): Uint8Array {
  const { out, view } = begin(TYPES.BYE, ssrcs.length, HEADER_BYTES + 4 * ssrcs.length);
  ssrcs.forEach((ssrc, i) => { view.setUint32(HEADER_BYTES + 4 * i, ssrc); });
  return out;
}
