import type { LegEvents, TransferOutcome } from '@dialfleet/call';
import { errorMessage, type Clock, type Emitter, type Logger } from '@dialfleet/kit';
import type { IncomingRequest } from 'sip.js/lib/core/messages/incoming-request.js';
import type { IncomingRequestMessage } from 'sip.js/lib/core/messages/incoming-request-message.js';
import { SessionState, type Session } from 'sip.js/lib/core/session/session.js';
import { ALLOW_HEADER } from '../message/capabilities.js';
import { answerUpdate, tryMedia } from './far-end-offer.js';
import { IncomingRefer, referTarget } from './incoming-refer.js';
import { InfoRefusedError, pressOfInfo, sendInfoDtmf } from './info-dtmf.js';
import type { LegMedia } from '../media/leg-media.js';
import { OutgoingRefer } from './refer.js';
import { reasonText } from '../message/refusal-reason.js';
import { TRANSACTION_TIMEOUT_MS } from '../transport/retransmitter.js';
import { SessionRefresh } from './session-refresh.js';
import { answerRequest, sessionTimerPolicy, SessionTimer, type SessionTimerPolicy, type SessionTimerTerms } from './session-timer.js';
import { sdpBody, sdpOf } from '../message/sip-body.js';
import { retryAfterHeader, type DialogDelegate } from '../sip-js/sip-js-update.js';

export interface DialogContext {
  media: LegMedia;
  events: Emitter<LegEvents>;
  logger: Logger;
  clock: Clock;
  /** `Contact: <…>` for our target refreshes and their answers. */
  contactHeader: string;
  /** We sent the INVITE. */
  ownsCallId: boolean;
  /** Where the INVITE was for: To has no port (RFC 3261 §19.1.1), yet whom we refer elsewhere needs it. */
  dialledPort?: number | undefined;
  /** Methods of the far end's Allow header; undefined: it told none. */
  peerAllows?: ReadonlySet<string> | undefined;
  /** Default: RFC 4028 at half an hour. */
  timerPolicy?: SessionTimerPolicy;
  /** A REFER from the far end is taken, and told as `referred`. */
  allowRefer?: boolean;
}

/**
 * A confirmed dialog (RFC 3261 §12): answers what the far end asks within it, keeps its session timer, refers it, and takes
 * leave with BYE. `onEnded` is called once, when the far end hung up or is not there any more.
 */
export class ConfirmedDialog {
  private ended = false;
  /** Our 2xx carried an offer; the answer comes in the ACK. */
  private awaitingAnswerInAck = false;
  private byeWhenAcknowledged: (() => void) | undefined;
  private cancelAckWatch: () => void = () => undefined;
  private readonly timerPolicy: SessionTimerPolicy;
  private readonly timer: SessionTimer;
  private readonly refresh: SessionRefresh;
  private refer: OutgoingRefer | undefined;
  private referredBy: IncomingRefer | undefined;

  constructor(private readonly session: Session, private readonly context: DialogContext, private readonly onEnded: () => void) {
    this.timerPolicy = context.timerPolicy ?? sessionTimerPolicy();
    this.refresh = new SessionRefresh(session, this.timerPolicy, context, {
      refreshed: (terms) => this.timer.restart(terms),
      lost: (detail) => this.lost(detail),
    });
    this.timer = new SessionTimer(context.clock, { refresh: () => this.refresh.start(this.timer.terms), expired: (terms) => this.expired(terms) });
    const delegate: DialogDelegate = {
      onAck: ({ message }) => this.acknowledged(message),
      onAckTimeout: () => this.neverAcknowledged(),
      onBye: (request) => this.byeReceived(request),
      onInfo: (request) => this.infoReceived(request),
      onInvite: (request) => this.reinvited(request),
      onUpdate: (request) => this.updated(request),
      onRefer: (request) => this.referReceived(request),
      onMessage: (request) => { request.reject({ statusCode: 405, extraHeaders: [ALLOW_HEADER] }); },
      onNotify: (request) => this.notified(request),
      onPrack: (request) => { request.reject({ statusCode: 481 }); },
    };
    session.delegate = delegate;
  }

  /** The 2xx that made this dialog carried our offer. */
  expectAnswerInAck(): void { this.awaitingAnswerInAck = true; }

  /** What INVITE and its 2xx settled about the session's interval. */
  startSessionTimer(terms: SessionTimerTerms | undefined): void { this.timer.restart(terms); }

  /**
   * Sends BYE; `released` gets the status of its answer (408 when there was none). A callee waits for the ACK to its 2xx
   * before (RFC 3261 §15).
   */
  bye(released: (sipStatus: number) => void, reason?: string): void {
    this.stop();
    if (this.session.sessionState === SessionState.Terminated) return released(200);
    const send = (): void => {
      const answered = ({ message }: { message: { statusCode?: number } }): void => released(message.statusCode ?? 408);
      this.session.bye({ onAccept: answered, onRedirect: answered, onReject: answered }, { extraHeaders: reasonHeaders(reason) });
    };
    if (this.session.sessionState === SessionState.AckWait) this.byeWhenAcknowledged = send; else send();
  }

  /** REFER (RFC 3515). Never rejects. `progress` gets the statuses that NOTIFY tells. */
  transfer(target: string, progress: (sipStatus: number) => void): Promise<TransferOutcome> {
    const { context } = this;
    if (this.ended) return Promise.resolve({ ok: false, sipStatus: null, reason: 'the call is over' });
    if (this.refer) return Promise.resolve({ ok: false, sipStatus: 491, reason: 'the far end is being referred already' });
    if (context.peerAllows?.has('REFER') === false) return Promise.resolve({ ok: false, sipStatus: null, reason: 'the far end does not allow REFER' });
    const refer = new OutgoingRefer(this.session, context.clock, progress, (detail) => this.lost(detail));
    try {
      refer.send(target, context.contactHeader, context.dialledPort);
    } catch (error) {
      return Promise.resolve({ ok: false, sipStatus: null, reason: errorMessage(error) });
    }
    this.refer = refer;
    // It may have let go of us by the time it tells how it went.
    context.media.tolerateSilence(true);
    return refer.outcome.then((outcome) => {
      if (outcome.ok) return outcome;
      this.refer = undefined;
      context.media.tolerateSilence(false);
      return outcome;
    });
  }

  /** RFC 4733 where it was negotiated, else INFO where the far end takes it. */
  sendDtmf(digits: string): Promise<void> {
    const byInfo = !this.context.media.telephoneEvents && this.context.peerAllows?.has('INFO') === true;
    if (!byInfo || this.ended) return this.context.media.sendDtmf(digits);
    return sendInfoDtmf(this.session, digits).catch((error: unknown) => {
      if (error instanceof InfoRefusedError && (error.sipStatus === 481 || error.sipStatus === 408)) this.lost(`the far end does not know the call any more (${error.sipStatus} to INFO)`);
      throw error;
    });
  }

  private stop(): void {
    this.ended = true;
    this.timer.stop();
    this.refresh.stop();
    this.cancelAckWatch();
    this.refer?.giveUp();
  }

  private acknowledged(message: IncomingRequestMessage): void {
    this.cancelAckWatch();
    const answer = this.awaitingAnswerInAck ? sdpOf(message) : undefined;
    this.awaitingAnswerInAck = false;
    if (answer !== undefined && !this.ended) tryMedia(this.context.logger, 'answer in ACK', () => this.context.media.applyAnswer(answer));
    this.sendPendingBye();
  }

  private neverAcknowledged(): void {
    if (this.byeWhenAcknowledged) return this.sendPendingBye();
    this.lost('our answer was never acknowledged');
  }

  /** RFC 3261 §12.2.1.2, §13.3.1.4, RFC 4028 §10: there is nobody left to talk to; the BYE is for who might still be. */
  private lost(detail: string, reason?: string): void {
    if (this.ended) return;
    this.stop();
    this.session.bye(undefined, { extraHeaders: reasonHeaders(reason) });
    this.context.events.emit('fault', { reason: 'trunk_failed', detail });
    this.onEnded();
  }

  private expired({ refresher }: SessionTimerTerms): void {
    const detail = refresher === 'them' ? 'session expired: the far end did not refresh it' : 'session expired: the far end did not accept our refresh';
    this.lost(detail, 'SIP;cause=408;text="Session timer expired"');
  }

  private sendPendingBye(): void {
    const send = this.byeWhenAcknowledged;
    this.byeWhenAcknowledged = undefined;
    send?.();
  }

  private byeReceived(request: IncomingRequest): void {
    request.accept();
    // sip.js drops the dialog after this; a BYE of ours that waited for an ACK has lost its purpose.
    const wasEnded = this.ended;
    this.refer?.left();
    this.stop();
    this.onEnded();
    if (!wasEnded) this.context.events.emit('hungUp', { sipReason: reasonText(request.message.getHeader('reason') ?? '') });
  }

  private infoReceived(request: IncomingRequest): void {
    const press = pressOfInfo(request.message.getHeader('content-type'), request.message.body);
    if (press === undefined && request.message.body !== '') { request.reject({ statusCode: 415, extraHeaders: ['Accept: application/dtmf-relay, application/dtmf'] }); return; }
    request.accept();
    if (press !== undefined) this.context.events.emit('dtmf', { digit: press.digit });
  }

  /** Hold, resume, codec or address change; without an offer, one of ours (RFC 3261 §14.2). */
  private reinvited(request: IncomingRequest): void {
    const { media, logger, clock, contactHeader } = this.context;
    const timing = answerRequest(this.timerPolicy, request.message, this.timer.terms);
    if (!timing.ok) { request.reject({ statusCode: 422, extraHeaders: timing.headers }); return; }
    const offer = sdpOf(request.message);
    const description = tryMedia(logger, 're-INVITE', () => (offer === undefined ? media.createOffer() : media.answerOffer(offer)));
    if (description === undefined) { request.reject({ statusCode: 488 }); return; }
    this.awaitingAnswerInAck = offer === undefined;
    request.accept({ statusCode: 200, body: sdpBody(description), extraHeaders: [contactHeader, ALLOW_HEADER, ...timing.headers] });
    this.timer.restart(timing.terms);
    // sip.js repeats the 2xx, and then forgets it (RFC 3261 §14.2).
    this.cancelAckWatch();
    this.cancelAckWatch = clock.after(TRANSACTION_TIMEOUT_MS, () => this.lost('our answer to a re-INVITE was never acknowledged'));
  }

  private updated(request: IncomingRequest): void {
    const timing = answerRequest(this.timerPolicy, request.message, this.timer.terms);
    if (!timing.ok) { request.reject({ statusCode: 422, extraHeaders: timing.headers }); return; }
    if (answerUpdate(request, this.context, timing.headers)) this.timer.restart(timing.terms);
  }

  /** Carrying a REFER out costs us a call: only a trunk that may ask for it is obeyed, and its target is the owner's to judge. */
  private referReceived(request: IncomingRequest): void {
    const { allowRefer, contactHeader, logger, events } = this.context;
    if (!allowRefer) { request.reject({ statusCode: 603 }); return; }
    const target = referTarget(request.message);
    if (target === undefined) { request.reject({ statusCode: 400, reasonPhrase: 'Refer-To Not Usable' }); return; }
    if (this.referredBy?.pending) { request.reject({ statusCode: 500, extraHeaders: [retryAfterHeader()] }); return; }
    // Of several REFERs in a dialog each but the first names itself in Event (RFC 3515 §2.4.6).
    const event = this.referredBy ? `refer;id=${request.message.cseq}` : 'refer';
    const refer = new IncomingRefer(this.session, contactHeader, event, logger);
    this.referredBy = refer;
    refer.accept(request);
    events.emit('referred', { target, report: (sipStatus) => refer.report(sipStatus) });
  }

  private notified(request: IncomingRequest): void {
    const { message } = request;
    if (!/^\s*refer\b/i.test(message.getHeader('event') ?? '')) { request.reject({ statusCode: 489, extraHeaders: ['Allow-Events: refer'] }); return; }
    if (this.refer) this.refer.notified(request); else request.reject({ statusCode: 481 });
  }
}

const reasonHeaders = (reason: string | undefined): string[] => (reason === undefined ? [] : [`Reason: ${reason}`]);
