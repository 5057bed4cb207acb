import type { IncomingInviteRequest, OutgoingResponseWithSession } from 'sip.js/lib/core/messages/methods/invite.js';
import type { Session } from 'sip.js/lib/core/session/session.js';
import type { DialogDelegate } from '../sip-js/sip-js-update.js';

/** What sip.js would accept in an early dialog if nobody said otherwise, and what would make us dial. */
const refusals: DialogDelegate = {
  onRefer: (request) => { request.reject({ statusCode: 603 }); },
  onMessage: (request) => { request.reject({ statusCode: 405 }); },
  onNotify: (request) => { request.reject({ statusCode: 489 }); },
  onPrack: (request) => { request.reject({ statusCode: 481 }); },
  onInvite: (request) => { request.reject({ statusCode: 491 }); },
};

/** Requests within an early dialog that we have no use for. `more`: those that its owner takes. */
export function refuseEarlyRequests(session: Session, more: DialogDelegate = {}): void {
  session.delegate ??= { ...refusals, ...more };
}

/**
 * 200 after offer and answer were both exchanged in a reliable response and its PRACK: nothing is left to describe. sip.js
 * would repeat what it takes for our answer, and is theirs.
 */
export function acceptWithoutDescription(invite: IncomingInviteRequest, earlyDialog: Session, extraHeaders: string[]): OutgoingResponseWithSession {
  const dialog = earlyDialog as unknown as { _answer: unknown };
  const answer = dialog._answer;
  dialog._answer = undefined;
  try {
    return invite.accept({ statusCode: 200, extraHeaders });
  } finally {
    dialog._answer = answer;
  }
}
