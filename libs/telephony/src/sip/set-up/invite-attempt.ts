import { errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import type { IncomingResponse } from 'sip.js/lib/core/messages/incoming-response.js';
import type { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import type { AckableIncomingResponseWithSession, OutgoingInviteRequest, PrackableIncomingResponseWithSession } from 'sip.js/lib/core/messages/methods/invite.js';
import type { OutgoingRequestMessage } from 'sip.js/lib/core/messages/outgoing-request-message.js';
import type { Session } from 'sip.js/lib/core/session/session.js';
import type { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import { credentialHeaders } from '../auth/call-credentials.js';
import { refuseEarlyRequests } from './early-requests.js';
import { AcknowledgedProvisionals, reliableSequence } from './reliable-provisional.js';
import { TRANSACTION_TIMEOUT_MS } from '../transport/retransmitter.js';
import type { DialogDelegate } from '../sip-js/sip-js-update.js';
import type { TransportLayer } from '../transport/transport-layer.js';

export interface AttemptContext { core: UserAgentCore; transport: TransportLayer; clock: Clock; logger: Logger }

export interface AttemptListener {
  /** 1xx; `message` undefined for one without a To tag or Contact. */
  progressed(sipStatus: number, message?: IncomingResponseMessage): void;
  /** What the far end may ask in an early dialog. */
  readonly early: DialogDelegate;
  /** The first 2xx; already acknowledged. */
  accepted(session: Session, message: IncomingResponseMessage): void;
  /** 3xx–6xx, or what sip.js made up itself: then `ours`, with why. */
  refused(message: IncomingResponseMessage, ours: string | undefined): void;
  /** CANCEL was answered with nothing in time. */
  neverEnded(): void;
}

/**
 * One INVITE transaction and all that its forks send (RFC 3261 §13.2.2): reliable provisional responses are acknowledged,
 * the first 2xx is the call, any further one is acknowledged and ended. So is every 2xx to an INVITE that was abandoned.
 */
export class InviteAttempt {
  private readonly acknowledged = new AcknowledgedProvisionals();
  private readonly invite: OutgoingInviteRequest;
  private proceeding = false;
  private abandoned = false;
  private cancelled = false;
  private over = false;
  private session: Session | undefined;
  private stopWatch: (() => void) | undefined;

  constructor(readonly message: OutgoingRequestMessage, private readonly context: AttemptContext, private readonly listener: AttemptListener) {
    this.invite = context.core.invite(message, {
      onTrying: (response) => this.progressed(response.message),
      onProgress: (response) => this.reliablyProgressed(response),
      onAccept: (response) => this.accepted(response),
      onRedirect: (response) => this.refused(response),
      onReject: (response) => this.refused(response),
    });
  }

  /** A provisional response has come: the call is being worked on. */
  get wasHeardOf(): boolean { return this.proceeding; }

  /** A 101–199 that makes no dialog, for lack of a To tag or a Contact; of this branch or of another. */
  informalProgress(sipStatus: number, branch: string): void {
    if (branch === this.message.branch) this.toldOfProgress(sipStatus, undefined);
  }

  /** sip.js waits for a provisional response before the CANCEL leaves (RFC 3261 §9.1); without one timer B ends it all. */
  cancel(): void {
    if (this.cancelled || this.over) return;
    this.cancelled = true;
    this.invite.cancel();
    if (this.proceeding) this.watch();
  }

  /** Another target is tried: this one must not ring any more, and is not told of. */
  abandon(): void {
    this.abandoned = true;
    if (this.message.branch !== undefined) this.context.transport.withdraw(this.message.branch);
    this.cancel();
  }

  /** Ends the transaction as it is, timers and all. */
  destroy(): void {
    this.stopWatch?.();
    const { branch } = this.message;
    if (branch === undefined || this.session || this.over) return;
    this.over = true;
    this.invite.dispose();
    this.context.core.userAgentClients.delete(`${branch}INVITE`);
    this.context.transport.retransmitter.forgetInvite(branch);
  }

  private reliablyProgressed(response: PrackableIncomingResponseWithSession): void {
    const { message, session } = response;
    refuseEarlyRequests(session, this.listener.early);
    const rseq = reliableSequence(message);
    if (rseq !== undefined) {
      if (!this.acknowledged.isNext(message.toTag, rseq)) return;
      response.prack({ extraHeaders: [`RAck: ${rseq} ${message.cseq} INVITE`] });
    }
    this.progressed(message);
  }

  private progressed(message: IncomingResponseMessage): void { this.toldOfProgress(message.statusCode ?? 100, message); }

  private toldOfProgress(sipStatus: number, message: IncomingResponseMessage | undefined): void {
    this.proceeding = true;
    if (this.cancelled) this.watch();
    if (!this.abandoned) this.listener.progressed(sipStatus, message);
  }

  private accepted(response: AckableIncomingResponseWithSession): void {
    const { message, session } = response;
    response.ack({ extraHeaders: credentialHeaders(this.message) });
    this.stopWatch?.();
    if (this.abandoned || this.session || this.over) { this.hangUpFork(session); return; }
    this.session = session;
    this.listener.accepted(session, message);
  }

  private hangUpFork(session: Session): void {
    try {
      session.bye();
    } catch (error) {
      this.context.logger.warn('a further answer to our INVITE could not be ended', { error: errorMessage(error) });
    }
  }

  private refused({ message }: IncomingResponse): void {
    this.stopWatch?.();
    if (this.over) return;
    this.over = true;
    if (!this.abandoned) this.listener.refused(message, message.data === undefined ? this.whyOurs(message.statusCode) : undefined);
  }

  /** sip.js makes a response up when its timer B runs out (408) or the transport fails (503; RFC 3261 §8.1.3.1). */
  private whyOurs(sipStatus: number | undefined): string {
    const { branch } = this.message;
    const error = branch === undefined ? undefined : this.context.transport.takeSendError(branch);
    return error ?? (sipStatus === 408 ? 'timer B' : 'transport error');
  }

  /** No timer runs in Proceeding: a far end that never sends its 487 would hold the call for ever (RFC 3261 §9.1). */
  private watch(): void {
    this.stopWatch ??= this.context.clock.after(TRANSACTION_TIMEOUT_MS, () => {
      this.destroy();
      if (!this.abandoned) this.listener.neverEnded();
    });
  }
}
