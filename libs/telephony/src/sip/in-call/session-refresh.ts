import { randomInt } from 'node:crypto';
import { errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import type { IncomingResponse } from 'sip.js/lib/core/messages/incoming-response.js';
import type { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import type { AckableIncomingResponseWithSession } from 'sip.js/lib/core/messages/methods/invite.js';
import { SessionState, type Session } from 'sip.js/lib/core/session/session.js';
import { ALLOW_HEADER } from '../message/capabilities.js';
import type { LegMedia } from '../media/leg-media.js';
import { policyAfterTooSmall, requestHeaders, termsOfAnswer, type SessionTimerPolicy, type SessionTimerTerms } from './session-timer.js';
import { sdpBody, sdpOf } from '../message/sip-body.js';
import { sendUpdate } from '../sip-js/sip-js-update.js';

export interface RefreshContext {
  media: LegMedia;
  clock: Clock;
  logger: Logger;
  contactHeader: string;
  /** We made the Call-ID: after a glare we wait longer (RFC 3261 §14.1). */
  ownsCallId: boolean;
  /** Of the far end's last Allow; undefined: it told none. */
  peerAllows?: ReadonlySet<string> | undefined;
}

export interface RefreshEvents {
  refreshed(terms: SessionTimerTerms | undefined): void;
  /** The far end does not know the call any more, or does not answer. */
  lost(detail: string): void;
}

/** After another refusal: the next try, as long as the session lasts. */
const RETRY_MS = 10_000;

/** RFC 3261 §14.1, in units of 10 ms: 2.1 to 4 s for who made the Call-ID, 0 to 2 s for the other. */
export function glareDelayMs(ownsCallId: boolean, random: (min: number, max: number) => number = randomInt): number {
  return (ownsCallId ? random(210, 401) : random(0, 201)) * 10;
}

/** Our half of the session timer: an UPDATE where the far end takes it, else a re-INVITE that changes nothing (RFC 4028 §7.4). */
export class SessionRefresh {
  private underWay = false;
  private byUpdate: boolean;
  private cancelRetry: () => void = () => undefined;
  private stopped = false;

  constructor(private readonly session: Session, private policy: SessionTimerPolicy, private readonly context: RefreshContext,
    private readonly on: RefreshEvents) {
    this.byUpdate = context.peerAllows?.has('UPDATE') ?? false;
  }

  /** Answered with `refreshed` or `lost`; a refusal is tried again until `stop`. */
  start(terms?: SessionTimerTerms): void {
    this.cancelRetry();
    if (this.underWay || this.stopped || this.session.sessionState === SessionState.Terminated) return;
    const policy = terms ? { ...this.policy, intervalSeconds: terms.intervalSeconds } : this.policy;
    try {
      if (this.byUpdate) this.update(policy, terms); else this.reinvite(policy, terms);
      this.underWay = true;
    } catch (error) {
      // A re-INVITE of theirs is still open, or the ACK of the first is on its way.
      this.context.logger.debug('session refresh put off', { error: errorMessage(error) });
      this.retryAfter(glareDelayMs(this.context.ownsCallId), terms);
    }
  }

  stop(): void {
    this.stopped = true;
    this.cancelRetry();
  }

  private update(policy: SessionTimerPolicy, terms: SessionTimerTerms | undefined): void {
    const refused = (response: IncomingResponse): void => this.refused(response, policy, terms);
    sendUpdate(this.session, { onAccept: ({ message }) => this.accepted(message, terms), onRedirect: refused, onReject: refused }, { extraHeaders: this.headers(policy) });
  }

  private reinvite(policy: SessionTimerPolicy, terms: SessionTimerTerms | undefined): void {
    const refused = (response: IncomingResponse): void => this.refused(response, policy, terms);
    this.session.invite({ onAccept: (response) => this.reinviteAccepted(response, terms), onRedirect: refused, onReject: refused },
      { extraHeaders: [...this.headers(policy), ALLOW_HEADER], body: sdpBody(this.context.media.currentDescription()) });
  }

  private headers(policy: SessionTimerPolicy): string[] { return [this.context.contactHeader, 'Supported: timer', ...requestHeaders(policy, 'uac')]; }

  private reinviteAccepted(response: AckableIncomingResponseWithSession, terms: SessionTimerTerms | undefined): void {
    response.ack();
    const answer = sdpOf(response.message);
    if (answer !== undefined) {
      try {
        this.context.media.applyAnswer(answer);
      } catch (error) {
        this.context.logger.warn('answer to a refresh not usable: media stay as they are', { error: errorMessage(error) });
      }
    }
    this.accepted(response.message, terms);
  }

  private accepted(message: IncomingResponseMessage, terms: SessionTimerTerms | undefined): void {
    this.underWay = false;
    if (!this.stopped) this.on.refreshed(termsOfAnswer(message) ?? (terms?.alone ? terms : undefined));
  }

  private refused({ message }: IncomingResponse, policy: SessionTimerPolicy, terms: SessionTimerTerms | undefined): void {
    this.underWay = false;
    const status = message.statusCode ?? 500;
    if (this.stopped) return;
    // RFC 3261 §12.2.1.2: either means that there is no dialog at the other end.
    if (status === 481 || status === 408) { this.on.lost(status === 481 ? 'the far end does not know the call any more (481)' : 'the far end does not answer within the call'); return; }
    if (status === 422) {
      const raised = policyAfterTooSmall(policy, message);
      if (raised) { this.policy = raised; this.start(); return; }
    }
    if (this.byUpdate && (status === 405 || status === 501)) { this.byUpdate = false; this.start(terms); return; }
    if (terms?.alone && status !== 491) { this.on.refreshed(terms); return; }
    this.retryAfter(status === 491 ? glareDelayMs(this.context.ownsCallId) : Math.max(RETRY_MS, retryAfterMs(message.getHeader('retry-after'))), terms);
  }

  private retryAfter(ms: number, terms?: SessionTimerTerms): void {
    if (!this.stopped) this.cancelRetry = this.context.clock.after(ms, () => this.start(terms));
  }
}

const retryAfterMs = (value: string | undefined): number => Math.min(Number(/^\s*(\d{1,5})/.exec(value ?? '')?.[1] ?? 0), 600) * 1_000;
