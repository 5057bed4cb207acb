import type { DigestAuthentication } from 'sip.js/lib/core/messages/digest-authentication.js';
import { answerChallenge, type DigestChallenge, type DigestCredentials } from './digest.js';

interface RequestToSign { callId: string; method: string; ruri: { toRaw(): string } }

/** Of the digest of sip.js, the two methods that its core calls. */
type CoreAuthentication = Pick<DigestAuthentication, 'toString'> & { authenticate(request: RequestToSign, challenge: Partial<DigestChallenge>): boolean };

/**
 * Makes the object that sip.js asks, per request, to answer a challenge. `credentialsOf` finds who is calling by Call-ID:
 * undefined refuses, so that a call given up meanwhile is not sent again.
 */
export function callCredentials(credentialsOf: (callId: string) => DigestCredentials | undefined): DigestAuthentication {
  let header = '';
  let lastNonce: string | undefined;
  let nonceCount = 0;
  const authentication: CoreAuthentication = {
    authenticate(request, challenge) {
      const credentials = credentialsOf(request.callId);
      if (!credentials || challenge.realm === undefined || challenge.nonce === undefined) return false;
      nonceCount = challenge.nonce === lastNonce ? nonceCount + 1 : 1;
      lastNonce = challenge.nonce;
      const answer = answerChallenge(challenge as DigestChallenge, credentials, { method: request.method, uri: request.ruri.toRaw(), nonceCount });
      header = answer ?? '';
      return answer !== undefined;
    },
    toString: () => header,
  };
  return authentication as unknown as DigestAuthentication;
}
