import { randomBytes } from 'node:crypto';
import { type FarEndReport, type MediaSource, type Reception, RtcpSession, type Sending, type SourceLatch } from '@dialfleet/media';
import type { RemoteMedia } from '../media-session.js';
import { canonicalAddress, isWildcard } from './media-address.js';
import type { RtpSockets } from './rtp-sockets.js';
import type { SrtpSession } from './srtp-session.js';

export interface RtcpChannelOptions {
  ssrc: number;
  sockets: RtpSockets;
  /** Of RTP: whose address our reports follow. */
  latch: SourceLatch;
  /** Adds to monotonic time to make Unix time. */
  wallOffsetMs: number;
  random(): number;
}

const DEFAULT_CLOCK_RATE_HZ = 8000;
/** RFC 7022 §4.2: 96 random bits; nothing that could be traced to the host. */
const CNAME_BYTES = 12;

/**
 * RTCP of one RTP session on the wire: on a port of its own or on RTP's (RFC 5761). Reports are believed from the address
 * of the RTP stream or of the description; the first such port is kept (RFC 4961), as for RTP.
 */
export class RtcpChannel {
  /** Packets from elsewhere: dropped. */
  packetsForeign = 0;
  /** Forged or replayed, or unprotected where SRTP is agreed on: dropped. */
  packetsUnauthentic = 0;
  private readonly session: RtcpSession;
  private signalled: MediaSource | null = null;
  private latched: MediaSource | null = null;
  private mux = false;

  constructor(private readonly options: RtcpChannelOptions) {
    const { ssrc, wallOffsetMs, random } = options;
    this.session = new RtcpSession({ ssrc, cname: randomBytes(CNAME_BYTES).toString('base64'), clockRateHz: DEFAULT_CLOCK_RATE_HZ, wallOffsetMs, random });
  }

  setRemote({ address, port, codec, rtcp }: RemoteMedia): void {
    this.session.clockRateHz = codec.clockRateHz;
    this.mux = rtcp?.mux ?? false;
    if (port === 0 || isWildcard(address)) return;
    const signalled = { address: canonicalAddress(rtcp?.address ?? address), port: rtcp?.port ?? port + 1 };
    if (this.signalled?.address === signalled.address && this.signalled.port === signalled.port) return;
    this.signalled = signalled;
    this.latched = null;
  }

  isDue(nowMs: number): boolean { return this.signalled !== null && this.session.isDue(nowMs); }

  sendReport(nowMs: number, sending: Sending, reception: Reception | null, srtp: SrtpSession | null): void {
    this.send(this.session.report(nowMs, sending, reception), srtp);
  }

  sendBye(nowMs: number, sending: Sending, reception: Reception | null, srtp: SrtpSession | null): void {
    if (this.signalled) this.send(this.session.bye(nowMs, sending, reception), srtp);
  }

  /** Whether the far end lives and is silent by its own account (see RtcpReceived). Never throws. */
  receive(datagram: Buffer, source: MediaSource, onRtpPort: boolean, nowMs: number, srtp: SrtpSession | null): boolean {
    if (!this.mayCome(source, onRtpPort)) {
      this.packetsForeign++;
      return false;
    }
    const plain = srtp ? srtp.receiver.unprotectRtcp(datagram) : datagram;
    if (!plain) this.packetsUnauthentic++;
    const received = plain && this.session.receive(plain, nowMs);
    if (!received) return false;
    if (!onRtpPort) this.latched ??= { address: source.address, port: source.port };
    return received.isSilent;
  }

  farEnd(): FarEndReport { return this.session.farEnd(); }

  /** Some far ends send RTCP to the port of RTP without having said so: as long as it comes from where RTP does, it is taken. */
  private mayCome(source: MediaSource, onRtpPort: boolean): boolean {
    const rtp = this.options.latch.destination;
    if (onRtpPort) return rtp?.address === source.address && rtp.port === source.port;
    if (this.signalled?.address === source.address && this.signalled.port === source.port) return true;
    if (this.latched) return this.latched.address === source.address && this.latched.port === source.port;
    return source.address === rtp?.address || source.address === this.signalled?.address;
  }

  private send(packet: Uint8Array, srtp: SrtpSession | null): void {
    const to = this.destination();
    if (!to) return;
    const { sockets } = this.options;
    (this.mux ? sockets.rtp : sockets.rtcp).send(srtp ? srtp.sender.protectRtcp(packet) : packet, to.port, to.address);
  }

  /** Behind NAT the port above that of RTP is a guess, until a report comes from there. */
  private destination(): MediaSource | null {
    const { latch } = this.options;
    if (this.mux) return latch.destination;
    if (this.latched) return this.latched;
    const moved = latch.isLatched && latch.destination?.address !== this.signalled?.address;
    return moved && latch.destination ? { address: latch.destination.address, port: latch.destination.port + 1 } : this.signalled;
  }
}
