import type { LegEvents } from '@dialfleet/call';
import { errorMessage, type Emitter, type Logger } from '@dialfleet/kit';
import type { IncomingRequest } from 'sip.js/lib/core/messages/incoming-request.js';
import type { IncomingRequestMessage } from 'sip.js/lib/core/messages/incoming-request-message.js';
import { SessionState, type Session } from 'sip.js/lib/core/session/session.js';
import { digitOfInfo } from './info-dtmf.js';
import type { LegMedia } from './leg-media.js';
import { sdpBody, sdpOf } from './sip-body.js';

export interface DialogContext {
  media: LegMedia;
  events: Emitter<LegEvents>;
  logger: Logger;
  /** `Contact: <…>` for 2xx to re-INVITE. */
  contactHeader: string;
}

/**
 * A confirmed dialog (RFC 3261 §12): answers what the far end asks within it, and takes leave with BYE. `onEnded` is
 * called once, when the far end hung up or never acknowledged.
 */
export class ConfirmedDialog {
  private ended = false;
  /** Our 2xx carried an offer; the answer comes in the ACK. */
  private awaitingAnswerInAck = false;
  private byeWhenAcknowledged: (() => void) | undefined;

  constructor(private readonly session: Session, private readonly context: DialogContext, private readonly onEnded: () => void) {
    session.delegate = {
      onAck: ({ message }) => this.acknowledged(message),
      onAckTimeout: () => this.neverAcknowledged(),
      onBye: (request) => this.byeReceived(request),
      onInfo: (request) => this.infoReceived(request),
      onInvite: (request) => this.reinvited(request),
      // Accepting would make us dial whatever the far end names, at our cost.
      onRefer: (request) => { request.reject({ statusCode: 603 }); },
      onMessage: (request) => { request.reject({ statusCode: 405 }); },
      onNotify: (request) => { request.reject({ statusCode: 489 }); },
      onPrack: (request) => { request.reject({ statusCode: 481 }); },
    };
  }

  /** The 2xx that made this dialog carried our offer. */
  expectAnswerInAck(): void { this.awaitingAnswerInAck = true; }

  /**
   * Sends BYE; `released` gets the status of its answer (408 when there was none). A callee waits for the ACK to its 2xx
   * before (RFC 3261 §15).
   */
  bye(released: (sipStatus: number) => void, reason?: string): void {
    this.ended = true;
    if (this.session.sessionState === SessionState.Terminated) return released(200);
    const send = (): void => {
      const answered = ({ message }: { message: { statusCode?: number } }): void => released(message.statusCode ?? 408);
      const extraHeaders = reason === undefined ? [] : [`Reason: ${reason}`];
      this.session.bye({ onAccept: answered, onRedirect: answered, onReject: answered }, { extraHeaders });
    };
    if (this.session.sessionState === SessionState.AckWait) this.byeWhenAcknowledged = send; else send();
  }

  private acknowledged(message: IncomingRequestMessage): void {
    const answer = this.awaitingAnswerInAck ? sdpOf(message) : undefined;
    this.awaitingAnswerInAck = false;
    if (answer !== undefined && !this.ended) this.tryMedia('answer in ACK', () => this.context.media.applyAnswer(answer));
    this.sendPendingBye();
  }

  private neverAcknowledged(): void {
    if (this.byeWhenAcknowledged) return this.sendPendingBye();
    if (this.ended) return;
    this.ended = true;
    this.session.bye();
    this.context.events.emit('fault', { reason: 'trunk_failed', detail: 'our answer was never acknowledged' });
    this.onEnded();
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
    this.ended = true;
    this.onEnded();
    if (!wasEnded) this.context.events.emit('hungUp', { sipReason: request.message.getHeader('reason') });
  }

  private infoReceived(request: IncomingRequest): void {
    const digit = digitOfInfo(request.message.getHeader('content-type'), request.message.body);
    if (digit === undefined && request.message.body !== '') { request.reject({ statusCode: 415 }); return; }
    request.accept();
    if (digit !== undefined) this.context.events.emit('dtmf', { digit });
  }

  /** Hold, resume, codec or address change; without an offer, one of ours (RFC 3261 §14.2). */
  private reinvited(request: IncomingRequest): void {
    const offer = sdpOf(request.message);
    const description = this.tryMedia('re-INVITE', () => (offer === undefined ? this.context.media.createOffer() : this.context.media.answerOffer(offer)));
    if (description === undefined) { request.reject({ statusCode: 488 }); return; }
    this.awaitingAnswerInAck = offer === undefined;
    request.accept({ statusCode: 200, body: sdpBody(description), extraHeaders: [this.context.contactHeader] });
  }

  private tryMedia<T>(what: string, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.context.logger.warn('media description refused', { what, error: errorMessage(error) });
      return undefined;
    }
  }
}
