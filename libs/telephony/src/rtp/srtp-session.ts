import { timingSafeEqual } from 'node:crypto';
import { rtpPayloadStart, SrtpIndex } from '@dialfleet/media';
import type { SrtpParameters, SrtpSuite } from '../media-session.js';
import { AesCmKeystream, deriveSessionKeys, HmacSha1, LABELS, type SessionKeys } from './srtp-crypto.js';

/** What a protected packet grows by at most, without an MKI: we send none. */
export const SRTP_OVERHEAD_BYTES = 10;

/** RFC 4568 §6.2: the short tag is for RTP only. */
const RTP_TAG_BYTES: Readonly<Record<SrtpSuite, number>> = { AES_CM_128_HMAC_SHA1_80: 10, AES_CM_128_HMAC_SHA1_32: 4 };
const RTCP_TAG_BYTES = 10;
const RTCP_HEADER_BYTES = 8;
const RTCP_INDEX_BYTES = 4;
const RTCP_INDEXES = 2 ** 31;
/** A longer datagram is nobody's audio. */
const MAX_PROTECTED_BYTES = 1500;
const MASTER_KEY_BYTES = 16;
const MASTER_BYTES = 30;
const ROLLOVER = 0x10000;
/** Only authentic packets make a source, so this many means a far end gone wrong. */
const MAX_SOURCES = 32;

/** Keys of one direction (RFC 3711 §3.2). */
interface DirectionKeys { rtp: SessionKeys; rtcp: SessionKeys; rtpAuth: HmacSha1; rtcpAuth: HmacSha1 }

function keysOf(inline: string): DirectionKeys {
  const master = Buffer.from(inline, 'base64');
  if (master.length !== MASTER_BYTES) throw new RangeError('an SRTP master key and salt are 30 bytes');
  const [key, salt] = [master.subarray(0, MASTER_KEY_BYTES), master.subarray(MASTER_KEY_BYTES)];
  const [rtp, rtcp] = [deriveSessionKeys(key, salt, LABELS.rtp), deriveSessionKeys(key, salt, LABELS.rtcp)];
  return { rtp, rtcp, rtpAuth: new HmacSha1(rtp.auth), rtcpAuth: new HmacSha1(rtcp.auth) };
}

/** Protects what one SSRC sends. */
export class SrtpSender {
  private readonly keys: DirectionKeys;
  private readonly rtpTagBytes: number;
  private readonly rtpKeystream: AesCmKeystream;
  private readonly rtcpKeystream: AesCmKeystream;
  private rollover = 0;
  private lastSequence = -1;
  private rtcpIndex = 0;

  /** @throws RangeError when the key has the wrong length. */
  constructor(readonly suite: SrtpSuite, readonly key: string, ssrc: number) {
    this.keys = keysOf(key);
    this.rtpTagBytes = RTP_TAG_BYTES[suite];
    this.rtpKeystream = new AesCmKeystream(this.keys.rtp, ssrc);
    this.rtcpKeystream = new AesCmKeystream(this.keys.rtcp, ssrc);
  }

  /** Encrypts `packet[0..length)` in place and appends the tag (room for SRTP_OVERHEAD_BYTES). Returns the new length. */
  protectRtp(packet: Uint8Array, length: number): number {
    const start = rtpPayloadStart(packet);
    if (start === null || start > length) throw new RangeError('not an RTP packet');
    const sequence = (packet[2] << 8) | packet[3];
    if (sequence < this.lastSequence) this.rollover++;
    this.lastSequence = sequence;
    this.rtpKeystream.apply(packet, start, length, this.rollover * ROLLOVER + sequence);
    const tag = this.keys.rtpAuth.digest(packet, length, this.rollover);
    for (let i = 0; i < this.rtpTagBytes; i++) packet[length + i] = tag[i];
    return length + this.rtpTagBytes;
  }

  /** RFC 3711 §3.4. */
  protectRtcp(packet: Uint8Array): Buffer {
    const indexAt = packet.length;
    const out = Buffer.alloc(indexAt + RTCP_INDEX_BYTES + RTCP_TAG_BYTES);
    out.set(packet);
    this.rtcpIndex = (this.rtcpIndex + 1) % RTCP_INDEXES;
    this.rtcpKeystream.apply(out, RTCP_HEADER_BYTES, indexAt, this.rtcpIndex);
    out.writeUInt32BE(this.rtcpIndex + RTCP_INDEXES, indexAt);
    out.set(this.keys.rtcpAuth.digest(out, indexAt + RTCP_INDEX_BYTES).subarray(0, RTCP_TAG_BYTES), indexAt + RTCP_INDEX_BYTES);
    return out;
  }
}

interface Source { index: SrtpIndex; rtcpIndex: SrtpIndex; rtp: AesCmKeystream; rtcp: AesCmKeystream }

/** Verifies and decrypts what the far end sends, whatever SSRCs it uses. */
export class SrtpReceiver {
  private readonly keys: DirectionKeys;
  private readonly rtpTagBytes: number;
  private readonly mki: Buffer;
  private readonly sources = new Map<number, Source>();

  /** @throws RangeError when the key has the wrong length. */
  constructor(readonly suite: SrtpSuite, readonly key: string, readonly mkiHex = '') {
    this.keys = keysOf(key);
    this.rtpTagBytes = RTP_TAG_BYTES[suite];
    this.mki = Buffer.from(mkiHex, 'hex');
  }

  /** The packet, decrypted in place; `null`: forged, replayed, or no packet of this session. Never throws. */
  unprotectRtp(datagram: Buffer): Buffer | null {
    const end = this.endOfContent(datagram, this.rtpTagBytes);
    const start = rtpPayloadStart(datagram);
    if (end === null || start === null || start > end) return null;
    const ssrc = datagram.readUInt32BE(8);
    const source = this.sources.get(ssrc) ?? this.newSource(ssrc);
    const index = source.index.estimate(datagram.readUInt16BE(2));
    if (!source.index.isFresh(index)) return null;
    const tag = this.keys.rtpAuth.digest(datagram, end, Math.floor(index / ROLLOVER));
    if (!isTag(datagram, tag, this.rtpTagBytes) || !this.keep(ssrc, source)) return null;
    source.index.accept(index);
    source.rtp.apply(datagram, start, end, index);
    return datagram.subarray(0, end);
  }

  /** As for RTP. */
  unprotectRtcp(datagram: Buffer): Buffer | null {
    const authenticated = this.endOfContent(datagram, RTCP_TAG_BYTES);
    if (authenticated === null || authenticated < RTCP_HEADER_BYTES + RTCP_INDEX_BYTES) return null;
    const end = authenticated - RTCP_INDEX_BYTES;
    const word = datagram.readUInt32BE(end);
    const index = word % RTCP_INDEXES;
    const ssrc = datagram.readUInt32BE(4);
    const source = this.sources.get(ssrc) ?? this.newSource(ssrc);
    if (!source.rtcpIndex.isFresh(index)) return null;
    if (!isTag(datagram, this.keys.rtcpAuth.digest(datagram, authenticated), RTCP_TAG_BYTES) || !this.keep(ssrc, source)) return null;
    source.rtcpIndex.accept(index);
    // The E bit: encrypted.
    if (word >= RTCP_INDEXES) source.rtcp.apply(datagram, RTCP_HEADER_BYTES, end, index);
    return datagram.subarray(0, end);
  }

  /** Where MKI and tag begin; `null` when there is no room for them, or the key is not the one agreed on. */
  private endOfContent(datagram: Buffer, tagBytes: number): number | null {
    const end = datagram.length - tagBytes - this.mki.length;
    if (end < RTCP_HEADER_BYTES || end > MAX_PROTECTED_BYTES) return null;
    return this.mki.length === 0 || datagram.subarray(end, end + this.mki.length).equals(this.mki) ? end : null;
  }

  private newSource(ssrc: number): Source {
    const { rtp, rtcp } = this.keys;
    return { index: new SrtpIndex(), rtcpIndex: new SrtpIndex(), rtp: new AesCmKeystream(rtp, ssrc), rtcp: new AesCmKeystream(rtcp, ssrc) };
  }

  /** Only of an authentic packet: strangers must not fill the table. */
  private keep(ssrc: number, source: Source): boolean {
    if (this.sources.has(ssrc)) return true;
    if (this.sources.size >= MAX_SOURCES) return false;
    this.sources.set(ssrc, source);
    return true;
  }
}

const isTag = (datagram: Buffer, digest: Buffer, tagBytes: number): boolean =>
  timingSafeEqual(datagram.subarray(datagram.length - tagBytes), digest.subarray(0, tagBytes));

/** SRTP of one RTP session: both directions, each with the keys that signalling gave it last. */
export class SrtpSession {
  private constructor(readonly sender: SrtpSender, readonly receiver: SrtpReceiver) {}

  /**
   * For the keys of a new description. A direction whose key stays keeps its rollover counter and replay list; a new key
   * begins anew (RFC 4568 §6.4).
   * @throws RangeError when a key has the wrong length.
   */
  static of({ suite, sendKey, receiveKey, receiveMki = '' }: SrtpParameters, ssrc: number, before: SrtpSession | null): SrtpSession {
    const [sender, receiver] = [before?.sender, before?.receiver];
    return new SrtpSession(
      sender?.suite === suite && sender.key === sendKey ? sender : new SrtpSender(suite, sendKey, ssrc),
      receiver?.suite === suite && receiver.key === receiveKey && receiver.mkiHex === receiveMki ? receiver : new SrtpReceiver(suite, receiveKey, receiveMki),
    );
  }
}
