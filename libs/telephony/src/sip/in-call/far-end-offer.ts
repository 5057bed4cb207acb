import { errorMessage, type Logger } from '@dialfleet/kit';
import type { IncomingRequest } from 'sip.js/lib/core/messages/incoming-request.js';
import type { ResponseOptions } from 'sip.js/lib/core/messages/outgoing-response.js';
import { ALLOW_HEADER } from '../message/capabilities.js';
import type { LegMedia } from '../media/leg-media.js';
import { sdpBody, sdpOf } from '../message/sip-body.js';
import type { DialogDelegate } from '../sip-js/sip-js-update.js';

export interface OfferContext { media: LegMedia; logger: Logger; contactHeader: string }

/** Runs what may throw SdpError; undefined when it did. */
export function tryMedia<T>(logger: Logger, what: string, act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    logger.warn('media description refused', { what, error: errorMessage(error) });
    return undefined;
  }
}

/** UPDATE (RFC 3311): an offer is answered, none changes nothing; a bad one is refused and the session stays. `headers`: of the 2xx. */
export function answerUpdate(request: IncomingRequest, { media, logger, contactHeader }: OfferContext, headers: readonly string[] = []): boolean {
  const offer = sdpOf(request.message);
  const options: ResponseOptions = { statusCode: 200, extraHeaders: [contactHeader, ALLOW_HEADER, ...headers] };
  if (offer !== undefined) {
    const description = tryMedia(logger, 'UPDATE', () => media.answerOffer(offer));
    if (description === undefined) { request.reject({ statusCode: 488 }); return false; }
    options.body = sdpBody(description);
  }
  request.accept(options);
  return true;
}

/** What an early dialog takes before the final answer of its INVITE. `changed`: media of the branch with this tag, by this offer. */
export const earlyUpdates = (context: OfferContext, changed: (remoteTag: string, offer: string) => void = () => undefined): DialogDelegate => ({
  onUpdate: (request) => {
    const offer = sdpOf(request.message);
    if (answerUpdate(request, context) && offer !== undefined) changed(request.message.fromTag, offer);
  },
});
