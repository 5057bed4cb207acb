import type { Logger } from '@dialfleet/kit';
import type { IncomingRequest } from 'sip.js/lib/core/messages/incoming-request.js';
import type { IncomingRequestMessage } from 'sip.js/lib/core/messages/incoming-request-message.js';
import { SessionState, type Session } from 'sip.js/lib/core/session/session.js';
import { reasonPhrase } from '../message/reason-phrase.js';

/** How long the subscription that a REFER makes lasts at most. */
const SUBSCRIPTION_SECONDS = 180;

/** What the far end wants: the user part of Refer-To; undefined when it is nothing that we could dial. */
export function referTarget(message: Pick<IncomingRequestMessage, 'getHeaders' | 'getHeader'>): string | undefined {
  const values = [...message.getHeaders('refer-to'), ...message.getHeaders('r')];
  if (values.length !== 1) return undefined;
  const match = /^\s*(?:"(?:[^"\\]|\\.)*"\s*|[^<"]*)<\s*([^>\s]+)\s*>|^\s*([^\s<>;?]+)/.exec(values[0]);
  const uri = match?.[1] ?? match?.[2] ?? '';
  // URI headers would make it an attended transfer (Replaces, RFC 3891), and another method no call.
  if (uri.includes('?') || /;method=(?!INVITE\b)/i.test(uri)) return undefined;
  const user = /^(?:sips?:([^@;]+)@[^@]+|tel:([^;]+).*)$/i.exec(uri);
  return decoded((user?.[1] ?? user?.[2])?.split(/[:;]/)[0]);
}

function decoded(user: string | undefined): string | undefined {
  try {
    return user ? decodeURIComponent(user) : undefined;
  } catch {
    return undefined;
  }
}

/** A REFER that we took: the implicit subscription, told with NOTIFY what becomes of it (RFC 3515 §2.4.4). */
export class IncomingRefer {
  private over = false;

  constructor(private readonly session: Session, private readonly contactHeader: string, private readonly event: string, private readonly logger: Logger) {}

  /** 202, and the NOTIFY that must follow at once. */
  accept(request: IncomingRequest): void {
    request.accept({ statusCode: 202, extraHeaders: [this.contactHeader] });
    this.report(100);
  }

  get pending(): boolean { return !this.over; }

  /** `sipStatus` of the call to the target; from 200 on it is the last. */
  report(sipStatus: number): void {
    if (this.over || this.session.sessionState === SessionState.Terminated) return;
    this.over = sipStatus >= 200;
    const state = this.over ? 'terminated;reason=noresource' : `active;expires=${SUBSCRIPTION_SECONDS}`;
    const refused = ({ message }: { message: { statusCode?: number } }): void => {
      this.logger.debug('NOTIFY refused', { status: message.statusCode });
      this.over = true;
    };
    this.session.notify({ onReject: refused, onRedirect: refused }, {
      extraHeaders: [`Event: ${this.event}`, `Subscription-State: ${state}`, this.contactHeader],
      body: { contentDisposition: 'render', contentType: 'message/sipfrag;version=2.0', content: `SIP/2.0 ${sipStatus} ${reasonPhrase(sipStatus)}\r\n` },
    });
  }
}
