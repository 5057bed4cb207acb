import { Dialog } from 'sip.js/lib/core/dialogs/dialog.js';
import { SessionDialog } from 'sip.js/lib/core/dialogs/session-dialog.js';
import type { Body } from 'sip.js/lib/core/messages/body.js';
import type { IncomingRequest } from 'sip.js/lib/core/messages/incoming-request.js';
import type { IncomingRequestMessage } from 'sip.js/lib/core/messages/incoming-request-message.js';
import type { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import type { OutgoingRequestDelegate, RequestOptions } from 'sip.js/lib/core/messages/outgoing-request.js';
import type { OutgoingResponse, ResponseOptions } from 'sip.js/lib/core/messages/outgoing-response.js';
import type { SessionDelegate } from 'sip.js/lib/core/session/session-delegate.js';
import { SignalingState, type Session } from 'sip.js/lib/core/session/session.js';
import { NonInviteClientTransaction } from 'sip.js/lib/core/transactions/non-invite-client-transaction.js';
import { NonInviteServerTransaction } from 'sip.js/lib/core/transactions/non-invite-server-transaction.js';
import { AllowedMethods } from 'sip.js/lib/core/user-agent-core/allowed-methods.js';
import { UserAgentClient } from 'sip.js/lib/core/user-agents/user-agent-client.js';
import { UserAgentServer } from 'sip.js/lib/core/user-agents/user-agent-server.js';
import { NameAddrHeader } from 'sip.js/lib/grammar/name-addr-header.js';
import type { URI } from 'sip.js/lib/grammar/uri.js';
import { ALLOWED_METHODS } from '../message/capabilities.js';
import { sdpOf } from '../message/sip-body.js';

/** What a dialog tells its owner, UPDATE included. */
export interface DialogDelegate extends SessionDelegate { onUpdate?(request: IncomingRequest): void }

type SignallingMessage = IncomingRequestMessage | Body;
interface DialogInside {
  core: SessionDialog['userAgentCore'];
  delegate: DialogDelegate | undefined;
  dialogState: { remoteTarget: URI };
  sequenceGuard(message: IncomingRequestMessage): boolean;
  receiveRequest(message: IncomingRequestMessage): void;
  signalingState: SignalingState;
  signalingStateTransition(message: SignallingMessage): void;
  signalingStateRollback(): void;
}
const inside = (session: Session): DialogInside => session as unknown as DialogInside;

/** RFC 3311 within a dialog, early or confirmed. An offer in it moves the dialog's offer/answer state as a re-INVITE's does. */
class UpdateUserAgentServer extends UserAgentServer {
  private offerTaken = false;

  constructor(private readonly dialog: SessionDialog, message: IncomingRequestMessage) {
    super(NonInviteServerTransaction, dialog.userAgentCore, message);
  }

  takeOffer(): void {
    this.offerTaken = true;
    inside(this.dialog).signalingStateTransition(this.message);
  }

  override accept(options: ResponseOptions = { statusCode: 200 }): OutgoingResponse {
    const response = super.accept(options);
    refreshTarget(this.dialog, this.message);
    if (options.body) inside(this.dialog).signalingStateTransition(options.body);
    return response;
  }

  override reject(options: ResponseOptions = { statusCode: 488 }): OutgoingResponse {
    if (this.offerTaken) inside(this.dialog).signalingStateRollback();
    return super.reject(options);
  }
}

/** An UPDATE of ours; without a body it changes nothing but the session timer and the target. */
class UpdateUserAgentClient extends UserAgentClient {
  constructor(private readonly session: SessionDialog, delegate: OutgoingRequestDelegate, options: RequestOptions) {
    super(NonInviteClientTransaction, session.userAgentCore, session.createOutgoingRequestMessage('UPDATE', options), delegate);
  }

  protected override receiveResponse(message: IncomingResponseMessage): void {
    const status = message.statusCode ?? 0;
    if (status >= 200 && status < 300) refreshTarget(this.session, message);
    super.receiveResponse(message);
  }
}

export function sendUpdate(session: Session, delegate: OutgoingRequestDelegate, options: RequestOptions): void {
  new UpdateUserAgentClient(session as SessionDialog, delegate, options);
}

/** Where the far end wants to be reached from now on (RFC 3261 §12.2): Contact of a re-INVITE, an UPDATE, or a 2xx to ours. */
export function refreshTarget(session: Session, message: IncomingRequestMessage | IncomingResponseMessage): void {
  const contact: unknown = message.hasHeader('contact') ? message.parseHeader('contact') : undefined;
  if (contact instanceof NameAddrHeader) inside(session).dialogState.remoteTarget = contact.uri;
}

/** Seconds, at random, so that two that met do not meet again (RFC 3261 §14.2). */
export const retryAfterHeader = (random: () => number = Math.random): string => `Retry-After: ${Math.floor(random() * 10) + 1}`;

export const updatePatchPoints: Record<string, () => boolean> = {
  'SessionDialog.prototype.receiveRequest': () => typeof sessionDialog.receiveRequest === 'function',
  'SessionDialog.prototype.signalingStateTransition': () => typeof sessionDialog.signalingStateTransition === 'function',
  'SessionDialog.prototype.signalingStateRollback': () => typeof sessionDialog.signalingStateRollback === 'function',
  'Dialog.prototype.sequenceGuard': () => typeof sessionDialog.sequenceGuard === 'function',
  'Dialog.prototype.receiveRequest': () => typeof Dialog.prototype.receiveRequest === 'function',
  'SignalingState.HaveLocalOffer, HaveRemoteOffer': () => SignalingState.HaveLocalOffer !== undefined && SignalingState.HaveRemoteOffer !== undefined,
  AllowedMethods: () => Array.isArray(AllowedMethods),
};

const sessionDialog = SessionDialog.prototype as unknown as DialogInside;

/** sip.js answers UPDATE with 405 and has no place for it in a dialog; and says in Allow what it could do, not what we do. */
export function teachUpdate(): void {
  (AllowedMethods as string[]).splice(0, AllowedMethods.length, ...ALLOWED_METHODS);
  const { receiveRequest } = sessionDialog;
  sessionDialog.receiveRequest = function (this: DialogInside, message: IncomingRequestMessage): void {
    if (message.method !== 'UPDATE') { receiveRequest.call(this, message); return; }
    const dialog = this as unknown as SessionDialog;
    if (!this.sequenceGuard(message)) return;
    Dialog.prototype.receiveRequest.call(dialog, message);
    const uas = new UpdateUserAgentServer(dialog, message);
    const offered = sdpOf(message) !== undefined;
    const refusal = this.delegate?.onUpdate ? offered && offerCollision(this.signalingState) : { statusCode: 488 };
    if (refusal) { uas.reject(refusal); return; }
    if (offered) uas.takeOffer();
    this.delegate?.onUpdate?.(uas);
  };
}

type Collision = { statusCode: number; extraHeaders?: string[] };

/** RFC 3311 §5.2: an offer while ours is open is a glare, a second one of theirs comes too early. */
function offerCollision(state: SignalingState): Collision | undefined {
  if (state === SignalingState.HaveLocalOffer) return { statusCode: 491 };
  return state === SignalingState.HaveRemoteOffer ? { statusCode: 500, extraHeaders: [retryAfterHeader()] } : undefined;
}
