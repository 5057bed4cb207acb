import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import type { LegMediaStats } from '@dialfleet/call';
import { type Clock, Emitter, errorMessage, Fault, type Logger } from '@dialfleet/kit';
import { estimateMos, FRAME_MS, isRtcp, MAX_PACKET_BYTES, type MediaSource, RTP_HEADER_BYTES, RtpReceiver, RtpTransmitter, type Sending } from '@dialfleet/media';
import { audioCodecs } from '../codecs/audio-codecs.js';
import type { MediaEvents, MediaSession, RemoteMedia } from '../media-session.js';
import { CallRecorder } from './call-recorder.js';
import { canonicalAddress, isWildcard } from './media-address.js';
import { RtcpChannel } from './rtcp-channel.js';
import { onDatagram, type RtpSockets } from './rtp-sockets.js';
import { type SilenceLimits, SilenceWatch } from './silence-watch.js';
import { SRTP_OVERHEAD_BYTES, SrtpSession } from './srtp-session.js';

/** A send that the kernel refuses for now keeps its buffer, so consecutive packets take turns. */
const SEND_BUFFERS = 4;
/** RFC 4568 §6.4: the lower half, so that a lost first packet is not taken for one before the rollover. */
const SEQUENCE_START_LIMIT = 2 ** 15;
/** What the jitter buffer adds at least; it grows with jitter. */
const JITTER_BUFFER_MS = 40;

export interface RtpSessionDependencies {
  clock: Clock;
  logger: Logger;
  limits: SilenceLimits;
  /** Spreads RTCP reports: numbers in [0, 1). */
  random?(): number;
  /** Called once, when the session's sockets are closed. */
  onClosed(session: RtpSession): void;
}

interface DtmfWaiter { lastPress: number; resolve: () => void; reject: (error: Error) => void }

/** One RTP session on its own socket. The engine's wheel calls `tick` every 20 ms. */
export class RtpSession implements MediaSession {
  readonly events = new Emitter<MediaEvents>();
  private readonly receiver = new RtpReceiver(audioCodecs);
  private readonly ssrc = randomInt(2 ** 32);
  private readonly transmitter = new RtpTransmitter({
    ssrc: this.ssrc, sequenceNumber: randomInt(SEQUENCE_START_LIMIT), rtpTimestamp: randomInt(2 ** 32),
  }, audioCodecs);
  private readonly sendBuffers = Array.from({ length: SEND_BUFFERS }, () => Buffer.allocUnsafeSlow(MAX_PACKET_BYTES + SRTP_OVERHEAD_BYTES));
  private readonly rtcp: RtcpChannel;
  private srtp: SrtpSession | null = null;
  private remote: RemoteMedia | null = null;
  private packetsUnauthentic = 0;
  private octetsSent = 0;
  /** Of the last audio packet. */
  private lastSent = { rtpTimestamp: 0, atMs: 0 };
  private readonly watch: SilenceWatch;
  private readonly openedMs: number;
  private sendIndex = 0;
  private lastDeadlineMs: number | null = null;
  /** The SDP named a host, not an address: nothing can be sent until a source is latched. */
  private signalledByName = false;
  private dtmfWaiters: DtmfWaiter[] = [];
  private recorder: CallRecorder | null = null;
  private recordingRequested = false;
  private closing: Promise<LegMediaStats> | null = null;

  constructor(readonly local: { address: string; port: number }, private readonly sockets: RtpSockets, private readonly deps: RtpSessionDependencies) {
    this.openedMs = deps.clock.monotonicMs();
    this.watch = new SilenceWatch(deps.limits);
    this.rtcp = new RtcpChannel({ ssrc: this.ssrc, sockets, latch: this.receiver.latch, wallOffsetMs: deps.clock.nowMs() - this.openedMs, random: deps.random ?? Math.random });
    onDatagram(sockets.rtp, (datagram, source) => this.guard(() => this.receive(datagram, source)));
    onDatagram(sockets.rtcp, (datagram, source) => this.guard(() => this.receiveRtcp(datagram, source, false)));
  }

  get port(): number { return this.sockets.port; }

  setRemote(remote: RemoteMedia): void {
    const { port, codec, telephoneEvent, ptimeMs, direction } = remote;
    const address = canonicalAddress(remote.address);
    this.srtp = remote.srtp ? SrtpSession.of(remote.srtp, this.ssrc, this.srtp) : null;
    this.remote = remote;
    this.receiver.setFormats(remote.receive ?? { audio: [codec], telephoneEvents: telephoneEvent ? [telephoneEvent] : [] });
    // A null address or port is a hold, not a new source.
    const isReachable = port > 0 && !isWildcard(address);
    if (isReachable) {
      this.receiver.latch.setSignalled({ address, port });
      this.signalledByName = isIP(address) === 0;
      if (this.signalledByName) this.deps.logger.warn('the far end names its media address instead of giving it: waiting for its first packets');
    }
    this.rtcp.setRemote(remote);
    this.transmitter.setFormat(isReachable && (direction === 'sendrecv' || direction === 'sendonly') ? { codec, telephoneEvent, ptimeMs } : null);
  }

  expectMedia(expected: boolean): void { this.watch.expect(expected, this.deps.clock.monotonicMs()); }

  /** Takes a copy: the array stays the caller's. */
  play(tag: string, pcm: Int16Array): void { this.transmitter.queue.play(tag, pcm.slice()); }
  endOf(tag: string): void { this.transmitter.queue.endOf(tag); }
  clear(): Promise<Record<string, number>> { return Promise.resolve(this.transmitter.queue.clear()); }
  pause(): void { this.transmitter.queue.pause(); }
  resume(): void { this.transmitter.queue.resume(); }

  sendDtmf(digits: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.closing) throw new Fault('the media session is closed', false);
      if (!this.transmitter.canSendDtmf) throw new Fault('telephone-event is not negotiated, or the call is on hold', false);
      const lastPress = this.transmitter.dtmf.queue(digits);
      if (digits.length === 0) resolve(); else this.dtmfWaiters.push({ lastPress, resolve, reject });
    });
  }

  async record(filePath: string): Promise<void> {
    if (this.closing || this.recordingRequested) throw new Fault('the session is closed or recorded already', false);
    this.recordingRequested = true;
    const recorder = await CallRecorder.create(filePath, (error) => this.recordingFailed(error));
    // Closed while the file was being created.
    if (this.closing) await recorder.close(); else this.recorder = recorder;
  }

  stats(): Promise<LegMediaStats> { return Promise.resolve(this.report()); }

  close(): Promise<LegMediaStats> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** One playout period. Never throws. */
  tick(deadlineMs: number): void { this.guard(() => this.playPeriod(deadlineMs)); }

  private playPeriod(deadlineMs: number): void {
    const skipped = this.lastDeadlineMs === null ? 0 : Math.round((deadlineMs - this.lastDeadlineMs) / FRAME_MS) - 1;
    if (skipped > 0) this.transmitter.skip(skipped);
    this.lastDeadlineMs = deadlineMs;
    const sent = this.transmitter.tick();
    while (this.sendNext(deadlineMs));
    if (this.rtcp.isDue(deadlineMs)) this.sendReport();
    const heard = this.receiver.pull();
    this.recorder?.frame(deadlineMs, heard, sent.pcm);
    const offsetMs = Math.round(deadlineMs - this.openedMs);
    if (heard) this.events.emit('audio', { pcm: heard, offsetMs });
    for (const tag of sent.begun) this.events.emit('playing', { tag, offsetMs });
    for (const tag of sent.played) this.events.emit('played', { tag, offsetMs });
    if (this.dtmfWaiters.length > 0) this.settleDtmf();
    const silentMs = this.watch.check(deadlineMs);
    if (silentMs !== null) this.events.emit('timeout', { silentMs: Math.round(silentMs) });
  }

  /** `false`: nothing more is due. */
  private sendNext(deadlineMs: number): boolean {
    const buffer = this.sendBuffers[this.sendIndex % SEND_BUFFERS];
    const bytes = this.transmitter.writePacket(buffer);
    if (bytes === 0) return false;
    this.sendIndex++;
    this.send(buffer, bytes, deadlineMs);
    return true;
  }

  private send(buffer: Buffer, bytes: number, deadlineMs: number): void {
    if (!this.maySend()) return;
    this.octetsSent += bytes - RTP_HEADER_BYTES;
    if ((buffer[1] & 0x7f) !== this.remote?.telephoneEvent?.payloadType) this.lastSent = { rtpTimestamp: buffer.readUInt32BE(4), atMs: deadlineMs };
    const length = this.srtp ? this.srtp.sender.protectRtp(buffer, bytes) : bytes;
    const to = this.receiver.latch.destination;
    if (to) this.sockets.rtp.send(buffer, 0, length, to.port, to.address);
  }

  private maySend(): boolean {
    const { latch } = this.receiver;
    return latch.destination !== null && (!this.signalledByName || latch.isLatched);
  }

  private sendReport(): void {
    const nowMs = this.deps.clock.monotonicMs();
    if (this.maySend()) this.rtcp.sendReport(nowMs, this.sending(nowMs), this.receiver.reception(), this.srtp);
  }

  private sending(nowMs: number): Sending {
    const { rtpTimestamp, atMs } = this.lastSent;
    const elapsed = Math.round(((nowMs - atMs) * (this.remote?.codec.clockRateHz ?? 0)) / 1000);
    return { packets: this.transmitter.packetsSent, octets: this.octetsSent, rtpTimestamp: (rtpTimestamp + elapsed) >>> 0 };
  }

  private receive(datagram: Buffer, source: MediaSource): void {
    if (isRtcp(datagram)) return this.receiveRtcp(datagram, source, true);
    const nowMs = this.deps.clock.monotonicMs();
    // Before anything is made of it: what is not authentic must not be latched on to.
    const plain = this.srtp ? this.srtp.receiver.unprotectRtp(datagram) : datagram;
    if (!plain) {
      this.packetsUnauthentic++;
      return;
    }
    const { accepted, digit } = this.receiver.receive(plain, source, nowMs);
    if (!accepted) return;
    if (this.watch.packetCame(nowMs)) this.events.emit('firstPacket', { offsetMs: Math.round(nowMs - this.openedMs) });
    if (digit !== null) this.events.emit('dtmf', { digit });
  }

  private receiveRtcp(datagram: Buffer, source: MediaSource, onRtpPort: boolean): void {
    const nowMs = this.deps.clock.monotonicMs();
    if (this.rtcp.receive(datagram, source, onRtpPort, nowMs, this.srtp)) this.watch.signOfLife(nowMs);
  }

  private settleDtmf(): void {
    const { pressesSent } = this.transmitter.dtmf;
    const done = this.dtmfWaiters.filter((waiter) => waiter.lastPress <= pressesSent);
    if (done.length === 0) return;
    this.dtmfWaiters = this.dtmfWaiters.filter((waiter) => waiter.lastPress > pressesSent);
    for (const waiter of done) waiter.resolve();
  }

  private report(): LegMediaStats {
    const received = this.receiver.report();
    const farEnd = this.rtcp.farEnd();
    const codec = this.remote?.codec.name;
    const oneWayDelayMs = (farEnd.roundTripMs ?? 0) / 2 + FRAME_MS + JITTER_BUFFER_MS + 2 * received.jitterMs;
    return {
      packetsSent: this.transmitter.packetsSent, ...received, packetsForeign: received.packetsForeign + this.rtcp.packetsForeign,
      packetsUnauthentic: this.packetsUnauthentic + this.rtcp.packetsUnauthentic, ...farEnd, srtp: this.srtp !== null,
      mos: codec !== undefined && received.packetsReceived > 0 ? estimateMos({ codec, lossShare: this.receiver.lossShare(), oneWayDelayMs }) : null,
      ...(codec === undefined ? {} : { codec }),
    };
  }

  private recordingFailed(error: unknown): void {
    this.deps.logger.error('recording stopped: the file cannot be written', { error });
    this.events.emit('recordingFailed', { message: errorMessage(error) });
  }

  private async shutDown(): Promise<LegMediaStats> {
    this.deps.onClosed(this);
    this.guard(() => this.sayBye());
    await Promise.all([this.sockets.rtp, this.sockets.rtcp].map((socket) => new Promise<void>((resolve) => { socket.close(resolve); })));
    for (const waiter of this.dtmfWaiters.splice(0)) waiter.reject(new Fault('the media session closed before the digits were sent', false));
    await this.recorder?.close();
    this.receiver.close();
    this.transmitter.close();
    return this.report();
  }

  private sayBye(): void {
    const nowMs = this.deps.clock.monotonicMs();
    if (this.maySend()) this.rtcp.sendBye(nowMs, this.sending(nowMs), this.receiver.reception(), this.srtp);
  }

  /** A fault in one call (a listener that throws) must not reach the others on this wheel. */
  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.deps.logger.error('media session fault', { error });
    }
  }
}
