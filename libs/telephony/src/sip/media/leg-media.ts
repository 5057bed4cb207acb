import type { CodecName, LegEvents, LegMediaStats, SrtpPolicy } from '@dialfleet/call';
import { errorMessage, type Emitter, type Logger } from '@dialfleet/kit';
import type { MediaFactory, MediaSession } from '../../media-session.js';
import { DeferredAudioOut } from './deferred-audio-out.js';
import { MediaNegotiator } from './media-negotiator.js';

const NOTHING_SENT: LegMediaStats = { packetsSent: 0, packetsReceived: 0, packetsLost: 0, packetsLateOrDuplicate: 0, jitterMs: 0, packetsForeign: 0 };

/** The media half of a SIP leg: one media session, its offer/answer, and its events as the leg's own. */
export class LegMedia {
  readonly audioOut = new DeferredAudioOut();
  private session: MediaSession | undefined;
  private negotiation: MediaNegotiator | undefined;
  private description: string | undefined;
  private opening: Promise<void> | undefined;
  private recordTo: string | undefined;
  private talking = false;
  private patient = false;
  private closing: Promise<LegMediaStats> | undefined;

  constructor(private readonly factory: MediaFactory, private codecs: readonly CodecName[], private readonly events: Emitter<LegEvents>,
    private readonly logger: Logger, private srtp: SrtpPolicy = 'off') {}

  /** Before `open`. */
  protect(srtp: SrtpPolicy): void { this.srtp = srtp; }

  /** In order of preference; before `open`. */
  speak(codecs: readonly CodecName[]): void { this.codecs = codecs; }

  /** Opens the session, once; must be done before the first offer or answer. Rejects when no port is to be had. */
  open(): Promise<void> {
    this.opening ??= this.openSession();
    return this.opening;
  }

  get established(): boolean { return this.negotiation?.established ?? false; }

  /** The far end takes RFC 4733. */
  get telephoneEvents(): boolean { return this.negotiation?.telephoneEvents ?? false; }

  createOffer(): string { return this.described(this.negotiator().createOffer()); }

  /** After 488 to our offer: whether the next one differs, in that it insists on SRTP. */
  insistOnSrtp(): boolean { return this.negotiation?.insistOnSrtp() ?? false; }

  /** What we said last, for an offer that changes nothing (RFC 4028 §7.4). */
  currentDescription(): string { return this.description ?? this.createOffer(); }

  /** Another server is invited: early media of the one before ends. */
  forgetRemote(): void { this.negotiation?.forgetRemote(); }

  /** Throws SdpError. */
  applyAnswer(sdp: string): void {
    this.negotiator().applyAnswer(sdp);
    this.expect();
  }

  /** Throws SdpError. */
  answerOffer(sdp: string): string {
    const answer = this.described(this.negotiator().answerOffer(sdp));
    this.expect();
    return answer;
  }

  /** The call is answered: from now on silence on the wire is a fault. */
  startTalking(): void {
    this.talking = true;
    this.expect();
  }

  /** While it is, silence on the wire is no fault. */
  tolerateSilence(tolerated: boolean): void {
    this.patient = tolerated;
    this.expect();
  }

  sendDtmf(digits: string): Promise<void> {
    return this.session ? this.session.sendDtmf(digits) : Promise.reject(new Error('no media yet: the call has not started'));
  }

  /** Before the session is open it is only noted; a failure then is a `recordingFailed`, and the call goes on unrecorded. */
  async record(filePath: string): Promise<void> {
    if (this.session) await this.session.record(filePath); else this.recordTo = filePath;
  }

  close(): Promise<LegMediaStats> {
    this.talking = false;
    this.closing ??= this.session ? this.session.close() : Promise.resolve(NOTHING_SENT);
    return this.closing;
  }

  private async openSession(): Promise<void> {
    const session = await this.factory.open();
    if (this.closing) {
      await session.close();
      throw new Error('the leg was closed');
    }
    this.session = session;
    this.negotiation = new MediaNegotiator(session, this.codecs, this.srtp);
    this.forward(session);
    this.audioOut.attach(session);
    if (this.recordTo === undefined) return;
    await session.record(this.recordTo).catch((error: unknown) => {
      this.logger.error('recording could not start', { error });
      this.events.emit('recordingFailed', { message: errorMessage(error) });
    });
  }

  private described(sdp: string): string {
    this.description = sdp;
    return sdp;
  }

  private negotiator(): MediaNegotiator {
    if (!this.negotiation) throw new Error('media session is not open');
    return this.negotiation;
  }

  private expect(): void { this.session?.expectMedia(this.talking && !this.patient && (this.negotiation?.receiving ?? false)); }

  private forward(session: MediaSession): void {
    session.events.on('audio', (frame) => this.events.emit('audio', frame));
    session.events.on('playing', (playing) => this.events.emit('playing', playing));
    session.events.on('played', (played) => this.events.emit('played', played));
    session.events.on('recordingFailed', (failure) => this.events.emit('recordingFailed', failure));
    session.events.on('dtmf', (key) => this.events.emit('dtmf', key));
    session.events.on('lost', ({ message }) => this.events.emit('fault', { reason: 'worker_failed', detail: message }));
    session.events.on('timeout', ({ silentMs }) => {
      if (this.talking) this.events.emit('fault', { reason: 'media_timeout', detail: `no RTP from the far end for ${silentMs} ms` });
    });
  }
}
