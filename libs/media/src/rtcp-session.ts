import { buildRtcp, type NtpTime, parseRtcp, type ReportBlock, type RtcpPacket, type SenderInfo } from './rtcp-packet.js';

/** RFC 3550 §6.2: the least mean time between reports, halved before the first one. */
const INTERVAL_MS = 5000;
/** From 1900 to 1970. */
const NTP_EPOCH_SECONDS = 2_208_988_800;
const COMPACT_UNITS_PER_MS = 65.536;
/** A longer round trip is a far end that counts wrong. */
const MAX_ROUND_TRIP_MS = 10_000;

/** What was sent so far; `rtpTimestamp`: of this moment. */
export interface Sending { packets: number; octets: number; rtpTimestamp: number }

/** How the far end's stream arrives. */
export interface Reception {
  ssrc: number;
  /** Packets that should have come, and those that did, since the stream began. */
  expected: number;
  received: number;
  /** Sequence number with its wraps counted in the upper 16 bits. */
  highestSequence: number;
  jitterMs: number;
}

export interface RtcpSessionOptions {
  ssrc: number;
  /** Canonical name; says nothing about the host (RFC 7022). */
  cname: string;
  /** Of the RTP timestamps, both ways. */
  clockRateHz: number;
  /** Adds to monotonic time to make Unix time. */
  wallOffsetMs: number;
  /** Numbers in [0, 1). */
  random(): number;
}

/** What the far end's reports say; null where none has come. */
export interface FarEndReport { roundTripMs: number | null; remotePacketsLost: number | null; remoteJitterMs: number | null }

/** `isSilent`: the far end lives and, by its own count, has sent no RTP since its report before. */
export interface RtcpReceived { isSilent: boolean }

export function ntpTime(unixMs: number): NtpTime {
  const seconds = Math.floor(unixMs / 1000);
  return { seconds: (seconds + NTP_EPOCH_SECONDS) >>> 0, fraction: Math.floor(((unixMs - seconds * 1000) / 1000) * 2 ** 32) >>> 0 };
}

/** The middle 32 bits: 1/65536 s, wrapping every 18 hours. */
const compact = ({ seconds, fraction }: NtpTime): number => (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;

/**
 * RTCP of a two-party RTP session (RFC 3550 §6): when to report, what to say, and what the far end's reports mean. Pure;
 * times are monotonic.
 */
export class RtcpSession {
  clockRateHz: number;
  private nextReportMs: number | null = null;
  private lastSr: { ssrc: number; compactNtp: number; atMs: number } | null = null;
  private lastReception: Reception | null = null;
  /** Packets sent when the last reports were made, the older first. */
  private sentAtReports: [number, number] = [0, 0];
  private farPacketCount: number | null = null;
  private roundTrips = { sumMs: 0, count: 0 };
  private remoteBlock: ReportBlock | null = null;

  constructor(private readonly options: RtcpSessionOptions) { this.clockRateHz = options.clockRateHz; }

  /** Whether a report is to be sent now. The first call begins the session. */
  isDue(nowMs: number): boolean {
    this.nextReportMs ??= nowMs + this.interval() / 2;
    return nowMs >= this.nextReportMs;
  }

  /** The compound to send: SR where something was sent since the report before the last, else RR; then SDES. */
  report(nowMs: number, sending: Sending, reception: Reception | null): Uint8Array {
    this.nextReportMs = nowMs + this.interval();
    return buildRtcp(this.compound(nowMs, sending, reception));
  }

  /** The last compound, with BYE. */
  bye(nowMs: number, sending: Sending, reception: Reception | null): Uint8Array {
    return buildRtcp([...this.compound(nowMs, sending, reception), { type: 'BYE', ssrcs: [this.options.ssrc] }]);
  }

  /** `null`: not RTCP. Never throws. */
  receive(bytes: Uint8Array, nowMs: number): RtcpReceived | null {
    const packets = parseRtcp(bytes);
    if (!packets) return null;
    let isSilent = false;
    for (const packet of packets) {
      if (packet.type === 'SR') isSilent = this.senderReport(packet.ssrc, packet.sender, nowMs);
      if (packet.type === 'RR') isSilent = true;
      // Last words are no promise of more.
      if (packet.type === 'BYE') isSilent = false;
      if (packet.type === 'SR' || packet.type === 'RR') this.readBlocks(packet.reports, nowMs);
    }
    return { isSilent };
  }

  farEnd(): FarEndReport {
    const { remoteBlock, roundTrips } = this;
    return {
      roundTripMs: roundTrips.count > 0 ? roundTrips.sumMs / roundTrips.count : null,
      remotePacketsLost: remoteBlock && Math.max(0, remoteBlock.cumulativeLost),
      remoteJitterMs: remoteBlock && (remoteBlock.jitter * 1000) / this.clockRateHz,
    };
  }

  /** §6.3.1: spread over half to one and a half times the mean, so that sessions do not report in step. */
  private interval(): number { return INTERVAL_MS * (0.5 + this.options.random()); }

  private compound(nowMs: number, sending: Sending, reception: Reception | null): RtcpPacket[] {
    const { ssrc, cname, wallOffsetMs } = this.options;
    const reports = reception ? [this.blockOf(reception, nowMs)] : [];
    const isSender = sending.packets > this.sentAtReports[0];
    this.sentAtReports = [this.sentAtReports[1], sending.packets];
    const sender: SenderInfo = {
      ntp: ntpTime(nowMs + wallOffsetMs), rtpTimestamp: sending.rtpTimestamp, packetCount: sending.packets >>> 0, octetCount: sending.octets >>> 0,
    };
    return [isSender ? { type: 'SR', ssrc, sender, reports } : { type: 'RR', ssrc, reports }, { type: 'SDES', chunks: [{ ssrc, cname }] }];
  }

  private blockOf(reception: Reception, nowMs: number): ReportBlock {
    const before = this.lastReception?.ssrc === reception.ssrc ? this.lastReception : null;
    this.lastReception = reception;
    const expected = reception.expected - (before?.expected ?? 0);
    const lost = expected - (reception.received - (before?.received ?? 0));
    const lastSr = this.lastSr?.ssrc === reception.ssrc ? this.lastSr : null;
    return {
      ssrc: reception.ssrc, fractionLost: expected > 0 && lost > 0 ? Math.min(255, Math.floor((lost * 256) / expected)) : 0,
      cumulativeLost: Math.max(-0x800000, Math.min(0x7fffff, reception.expected - reception.received)),
      highestSequence: reception.highestSequence >>> 0, jitter: Math.round((reception.jitterMs * this.clockRateHz) / 1000),
      lastSr: lastSr?.compactNtp ?? 0, delaySinceLastSr: lastSr ? Math.round((nowMs - lastSr.atMs) * COMPACT_UNITS_PER_MS) >>> 0 : 0,
    };
  }

  private senderReport(ssrc: number, sender: SenderInfo, nowMs: number): boolean {
    const sameSource = this.lastSr?.ssrc === ssrc;
    const isSilent = sameSource && this.farPacketCount === sender.packetCount;
    this.farPacketCount = sender.packetCount;
    this.lastSr = { ssrc, compactNtp: compact(sender.ntp), atMs: nowMs };
    return isSilent;
  }

  private readBlocks(blocks: readonly ReportBlock[], nowMs: number): void {
    const block = blocks.find(({ ssrc }) => ssrc === this.options.ssrc);
    if (!block) return;
    this.remoteBlock = block;
    if (block.lastSr === 0) return;
    const units = (compact(ntpTime(nowMs + this.options.wallOffsetMs)) - block.lastSr - block.delaySinceLastSr) | 0;
    const roundTripMs = units / COMPACT_UNITS_PER_MS;
    // A fast path may come out a little below zero: the far end's clock ticks are coarse.
    if (roundTripMs < -20 || roundTripMs > MAX_ROUND_TRIP_MS) return;
    this.roundTrips.sumMs += Math.max(0, roundTripMs);
    this.roundTrips.count++;
  }
}
