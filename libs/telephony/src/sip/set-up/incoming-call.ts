import type { AudioOut, CallLeg, CodecName, LegEvents, LegMediaStats, TransferOutcome, TrunkPlan } from '@dialfleet/call';
import { Emitter, errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import type { IncomingRequest } from 'sip.js/lib/core/messages/incoming-request.js';
import type { IncomingInviteRequest } from 'sip.js/lib/core/messages/methods/invite.js';
import type { ResponseOptions } from 'sip.js/lib/core/messages/outgoing-response.js';
import type { Session } from 'sip.js/lib/core/session/session.js';
import { audioCodecsOf } from '../../codecs/audio-codecs.js';
import type { MediaFactory } from '../../media-session.js';
import { methodsOf } from '../message/capabilities.js';
import { ConfirmedDialog } from '../in-call/confirmed-dialog.js';
import { digestSessionOf, type DigestSession } from '../auth/digest-session.js';
import { acceptWithoutDescription, refuseEarlyRequests } from './early-requests.js';
import { earlyUpdates } from '../in-call/far-end-offer.js';
import { safeText } from '../message/header-safety.js';
import { LegMedia } from '../media/leg-media.js';
import type { Arrival } from '../intake/message-intake.js';
import { optionTags, RELIABLE, ReliableProvisionals } from './reliable-provisional.js';
import { answerRequest, sessionTimerPolicy, type SessionTimerPolicy, type TimerAnswer } from '../in-call/session-timer.js';
import { sdpBody, sdpOf } from '../message/sip-body.js';
import type { Peer } from '../message/wire.js';

export interface RejectOptions {
  /** Reason phrase. */
  reason?: string;
  /** When the caller may try again (RFC 3261 §20.33). */
  retryAfterSeconds?: number;
}

/** A call offered to us. Exactly one of `answer` and `reject` ends the offer, unless the caller gives up first (`hungUp`). */
export interface IncomingCall {
  readonly callId: string;
  /** User part of the request URI: whom the caller wants. */
  readonly toUser: string;
  /** User part of From; empty for an anonymous caller. */
  readonly fromUser: string;
  /** First value of each header field, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly source: Peer;
  readonly leg: CallLeg;
  /** What the caller's trunk allows within the call; before `answer`. Default: no REFER, a session timer of half an hour, plain RTP, the endpoint's codecs. */
  obey(trunk: Partial<Pick<TrunkPlan, 'codecs' | 'allowRefer' | 'sessionExpiresSeconds' | 'srtp' | 'username' | 'password'>>): void;
  /** 180 Ringing. */
  ring(): void;
  /** 183 with our answer: audio may flow before the call is answered. */
  earlyMedia(): Promise<void>;
  /** 200 OK. Same as `leg.start()`. An offer that we cannot meet is refused with 488, one without a free port with 503 (`failed`). */
  answer(): Promise<void>;
  /** `status` 300 to 699. */
  reject(status: number, options?: RejectOptions): void;
  /** 401 with this `WWW-Authenticate` value: the caller may come again with credentials (RFC 3261 §22.2). */
  challenge(wwwAuthenticate: string): void;
}

export interface IncomingContext {
  arrival: Arrival;
  media: MediaFactory;
  codecs: readonly CodecName[];
  logger: Logger;
  clock: Clock;
  contactHeader: string;
  onGone(leg: IncomingLeg): void;
  /** Nobody is interested in it any more. */
  onClosing(leg: IncomingLeg): void;
}

type State = 'offered' | 'answering' | 'confirmed' | 'leaving' | 'gone';

/** The callee's side of an INVITE (RFC 3261 §13.3) and the dialog that comes of it. */
export class IncomingLeg implements CallLeg, IncomingCall {
  readonly events = new Emitter<LegEvents>();
  readonly audioOut: AudioOut;
  readonly leg = this;
  readonly callId: string;
  readonly toUser: string;
  readonly fromUser: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly source: Peer;
  /** What answers a challenge to a request of ours within the call. */
  authentication: DigestSession | undefined;
  private readonly media: LegMedia;
  private state: State = 'offered';
  private hangingUp = false;
  private releasedSent = false;
  private dialog: ConfirmedDialog | undefined;
  private earlyDialog: Session | undefined;
  /** Our description, once sent: a 200 after a 183 repeats it. */
  private description: string | undefined;
  private trunk: Partial<Pick<TrunkPlan, 'codecs' | 'allowRefer' | 'sessionExpiresSeconds' | 'srtp' | 'username' | 'password'>> = {};
  /** Where the caller requires it (RFC 3262 §3). */
  private readonly provisionals: ReliableProvisionals | undefined;
  /** Whose description is to come: ours went out in a reliable response, theirs comes with its PRACK. */
  private exchange: 'open' | 'offeredReliably' | 'answeredInPrack' = 'open';

  constructor(private readonly invite: IncomingInviteRequest, private readonly context: IncomingContext) {
    const { message } = invite;
    this.callId = message.callId;
    this.source = context.arrival.source;
    this.toUser = context.arrival.requestUri.user ?? '';
    this.fromUser = message.from.uri.user ?? '';
    this.headers = Object.fromEntries(Object.entries(message.headers).map(([name, values]) => [name.toLowerCase(), values[0]?.raw ?? '']));
    this.media = new LegMedia(context.media, context.codecs, this.events, context.logger);
    this.audioOut = this.media.audioOut;
    if (optionTags(message, 'require').includes(RELIABLE)) this.provisionals = new ReliableProvisionals(context.clock, message.cseq, () => this.neverAcknowledged());
    invite.delegate = { onCancel: () => this.cancelled(), onTransportError: (error) => context.logger.warn('answer to INVITE not sent', { error: error.message }) };
  }

  obey(trunk: Partial<Pick<TrunkPlan, 'codecs' | 'allowRefer' | 'sessionExpiresSeconds' | 'srtp' | 'username' | 'password'>>): void {
    this.trunk = trunk;
    this.media.protect(trunk.srtp ?? 'off');
    this.authentication = digestSessionOf(trunk);
    if (trunk.codecs) this.media.speak(audioCodecsOf(trunk.codecs));
  }

  ring(): void {
    if (this.state !== 'offered') return;
    // The first reliable response to an INVITE without an offer must make one (RFC 3261 §13.2.1).
    if (this.provisionals && sdpOf(this.invite.message) === undefined && this.description === undefined) void this.progressDescribed(180);
    else this.progress(180);
  }

  earlyMedia(): Promise<void> { return this.progressDescribed(183); }

  answer(): Promise<void> { return this.start(); }

  async start(): Promise<void> {
    if (this.state !== 'offered') return;
    const timerPolicy = sessionTimerPolicy(this.trunk.sessionExpiresSeconds);
    const timing = answerRequest(timerPolicy, this.invite.message);
    if (!timing.ok) {
      this.refuse({ statusCode: 422, extraHeaders: timing.headers });
      this.events.emit('failed', { sipStatus: 422, reason: 'session interval too small' });
      return;
    }
    this.state = 'answering';
    const description = await this.describe();
    if (description === undefined || this.state !== 'answering') return;
    const accept = (): void => { if (this.state === 'answering') this.accept(description, timerPolicy, timing); };
    if (this.provisionals) this.provisionals.beforeAnswer(accept); else accept();
  }

  /** `status` 300 to 699. */
  reject(status: number, { reason, retryAfterSeconds }: RejectOptions = {}): void {
    if (!Number.isInteger(status) || status < 300 || status > 699) throw new RangeError(`a call is not rejected with ${status}`);
    if (this.state !== 'offered' && this.state !== 'answering') return;
    const extraHeaders = retryAfterSeconds === undefined ? [] : [`Retry-After: ${Math.max(1, Math.ceil(retryAfterSeconds))}`];
    this.refuse({ statusCode: status, extraHeaders, ...(reason === undefined ? {} : { reasonPhrase: safeText(reason, 'reason') }) });
  }

  challenge(wwwAuthenticate: string): void {
    if (this.state !== 'offered') return;
    this.refuse({ statusCode: 401, extraHeaders: [`WWW-Authenticate: ${safeText(wwwAuthenticate, 'challenge')}`] });
  }

  hangUp(): void {
    if (this.hangingUp) return;
    this.hangingUp = true;
    if (this.state === 'offered' || this.state === 'answering') this.reject(480);
    else if (this.state === 'confirmed') this.bye();
    else if (this.state === 'gone') queueMicrotask(() => this.gone());
  }

  sendDtmf(digits: string): Promise<void> { return this.dialog ? this.dialog.sendDtmf(digits) : this.media.sendDtmf(digits); }

  transfer(target: string, progress: (sipStatus: number) => void = () => undefined): Promise<TransferOutcome> {
    if (!this.dialog || this.state !== 'confirmed') return Promise.resolve({ ok: false, sipStatus: null, reason: 'the call is not answered' });
    return this.dialog.transfer(target, progress);
  }

  record(filePath: string): Promise<void> { return this.media.record(filePath); }

  close(): Promise<LegMediaStats> {
    this.hangUp();
    this.context.onClosing(this);
    return this.media.close();
  }

  /** The endpoint gives up waiting. */
  abandon(): void { this.gone(); }

  private bye(): void {
    this.state = 'leaving';
    this.dialog?.bye((status) => this.gone(status));
  }

  /** Our answer to the caller's offer, or our offer where there was none; undefined when the call was refused for it. */
  private async describe(): Promise<string | undefined> {
    try {
      await this.media.open();
    } catch (error) {
      this.refuseMedia(503, errorMessage(error));
      return undefined;
    }
    try {
      const offer = sdpOf(this.invite.message);
      this.description ??= offer === undefined ? this.media.createOffer() : this.media.answerOffer(offer);
      return this.description;
    } catch (error) {
      this.refuseMedia(488, errorMessage(error));
      return undefined;
    }
  }

  private refuseMedia(statusCode: number, reason: string): void {
    if (this.state !== 'offered' && this.state !== 'answering') return;
    this.context.logger.warn('call refused for its media', { callId: this.callId, reason });
    this.refuse({ statusCode });
    this.events.emit('failed', { sipStatus: statusCode, reason });
  }

  private cancelled(sipReason = 'CANCEL'): void {
    if (this.state !== 'offered' && this.state !== 'answering') return;
    this.refuse({ statusCode: 487 });
    this.events.emit('hungUp', { sipReason });
  }

  private accept(description: string, timerPolicy: SessionTimerPolicy, timing: Extract<TimerAnswer, { ok: true }>): void {
    const { message } = this.invite;
    const answeredInPrack = this.exchange === 'answeredInPrack' && this.earlyDialog !== undefined;
    const { session } = answeredInPrack ? acceptWithoutDescription(this.invite, this.earlyDialog as Session, timing.headers)
      : this.invite.accept({ statusCode: 200, body: sdpBody(description), extraHeaders: timing.headers });
    this.provisionals?.finish();
    this.dialog = new ConfirmedDialog(session, {
      ...this.context, media: this.media, events: this.events, ownsCallId: false, peerAllows: methodsOf(message.getHeaders('allow')),
      timerPolicy, allowRefer: this.trunk.allowRefer,
    }, () => this.gone());
    this.dialog.startSessionTimer(timing.terms);
    // A PRACK may be on its way still.
    if (this.provisionals && session.delegate) session.delegate.onPrack = (request) => this.pracked(request);
    if (sdpOf(message) === undefined && !answeredInPrack) this.dialog.expectAnswerInAck();
    this.state = 'confirmed';
    this.media.startTalking();
    this.events.emit('answered', { sipStatus: 200 });
  }

  private async progressDescribed(statusCode: number): Promise<void> {
    if (this.state !== 'offered') return;
    const description = await this.describe();
    if (description !== undefined && this.state === 'offered') this.progress(statusCode, description);
  }

  private progress(statusCode: number, description?: string): void {
    const transmit = (extraHeaders: readonly string[] = []): void => {
      const { session } = this.invite.progress({ statusCode, extraHeaders: [...extraHeaders], ...(description === undefined ? {} : { body: sdpBody(description) }) });
      this.earlyDialog = session;
      refuseEarlyRequests(session, {
        ...earlyUpdates({ ...this.context, media: this.media }), onPrack: (request) => this.pracked(request),
        onBye: (request) => { request.accept(); this.cancelled('BYE'); },
      });
    };
    if (!this.provisionals) { transmit(); return; }
    if (description !== undefined && sdpOf(this.invite.message) === undefined && this.exchange === 'open') this.exchange = 'offeredReliably';
    this.provisionals.send({ transmit, hasDescription: description !== undefined });
  }

  /** RFC 3262 §3, §5: with the answer to our offer, or with an offer of its own. */
  private pracked(request: IncomingRequest): void {
    const { provisionals } = this;
    if (!provisionals?.isAwaited(request.message.getHeader('rack'))) { request.reject({ statusCode: 481 }); return; }
    const sdp = sdpOf(request.message);
    try {
      const answer = sdp === undefined ? undefined : this.descriptionInPrack(sdp);
      request.accept({ statusCode: 200, ...(answer === undefined ? {} : { body: sdpBody(answer) }) });
    } catch (error) {
      request.reject({ statusCode: 488 });
      return this.refuseMedia(488, errorMessage(error));
    }
    provisionals.acknowledged();
  }

  private descriptionInPrack(sdp: string): string | undefined {
    if (this.exchange !== 'offeredReliably') return this.description = this.media.answerOffer(sdp);
    this.media.applyAnswer(sdp);
    this.exchange = 'answeredInPrack';
    return undefined;
  }

  private neverAcknowledged(): void {
    if (this.state !== 'offered' && this.state !== 'answering') return;
    this.refuse({ statusCode: 504 });
    this.events.emit('failed', { sipStatus: 504, reason: 'our provisional response was never acknowledged (PRACK)' });
  }

  private refuse(options: ResponseOptions): void {
    this.provisionals?.finish();
    if (options.statusCode < 400) this.invite.redirect([], options); else this.invite.reject(options);
    this.earlyDialog?.dispose(); // sip.js keeps it until the transaction ends
    this.gone(options.statusCode);
  }

  /** Nothing is left on the wire. */
  private gone(sipStatus: number | null = null): void {
    if (this.state !== 'gone') {
      this.state = 'gone';
      this.context.onGone(this);
    }
    if (!this.hangingUp || this.releasedSent) return;
    this.releasedSent = true;
    this.events.emit('released', { sipStatus });
  }
}
