import type { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import type { DigestAuthentication } from 'sip.js/lib/core/messages/digest-authentication.js';
import type { OutgoingRequestMessage } from 'sip.js/lib/core/messages/outgoing-request-message.js';
import type { DigestSession, SignedRequest } from './digest-session.js';
import { headerValues } from '../message/wire.js';

/** What answers the challenges to one request; the patched sip.js asks it in place of its own MD5 (see sip-js-patches.ts). */
export interface RequestAuthentication {
  /** Puts credentials into `request`; false when the response is to be taken as final. */
  answer(request: OutgoingRequestMessage, response: IncomingResponseMessage): boolean;
}

/**
 * Makes the object that sip.js asks, per request, to answer challenges. `sessionOf` finds who is calling by Call-ID:
 * undefined refuses, so that a call given up meanwhile is not sent again.
 */
export function callCredentials(sessionOf: (callId: string) => DigestSession | undefined): DigestAuthentication {
  let signing: SignedRequest | undefined;
  const authentication: RequestAuthentication = {
    answer(request, response) {
      const session = sessionOf(request.callId);
      if (!session) return false;
      signing ??= session.request();
      const [challenger, name] = response.statusCode === 401 ? ['server', 'WWW-Authenticate'] as const : ['proxy', 'Proxy-Authenticate'] as const;
      // sip.js' parser keeps the last of several challenges: the text has all.
      const answer = signing.challenged(challenger, headerValues(response.data, name), { method: request.method, uri: request.ruri.toRaw() });
      if (!answer) return false;
      if (answer.server.length > 0) request.setHeader('authorization', [...answer.server]);
      if (answer.proxy.length > 0) request.setHeader('proxy-authorization', [...answer.proxy]);
      return true;
    },
  };
  return authentication as unknown as DigestAuthentication;
}

/** The credentials that a request went out with: the ACK to its 2xx carries the same (RFC 3261 §13.2.2.4). */
export const credentialHeaders = (request: OutgoingRequestMessage): string[] =>
  (['Authorization', 'Proxy-Authorization'] as const).flatMap((name) => request.getHeaders(name).map((value) => `${name}: ${value}`));
