import { SessionDialog } from 'sip.js/lib/core/dialogs/session-dialog.js';
import type { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import type { OutgoingRequestMessage } from 'sip.js/lib/core/messages/outgoing-request-message.js';
import type { Session } from 'sip.js/lib/core/session/session.js';
import type { InviteClientTransaction } from 'sip.js/lib/core/transactions/invite-client-transaction.js';
import { ReInviteUserAgentClient } from 'sip.js/lib/core/user-agents/re-invite-user-agent-client.js';
import { refreshTarget } from './sip-js-update.js';

type Sent = { message: OutgoingRequestMessage };
const sessionDialog = SessionDialog.prototype as unknown as { ack(options?: object): Sent; reinviteUserAgentClient: object | undefined };
const reinviteClient = ReInviteUserAgentClient.prototype as unknown as {
  receiveResponse(message: IncomingResponseMessage): void; transaction: InviteClientTransaction; dialog: Session;
};

export const reinvitePatchPoints: Record<string, () => boolean> = {
  'SessionDialog.prototype.ack': () => typeof sessionDialog.ack === 'function',
  'ReInviteUserAgentClient.prototype.receiveResponse': () => typeof reinviteClient.receiveResponse === 'function',
};

/**
 * Our re-INVITE's 2xx is repeated while our ACK is lost: sip.js takes the repetition for a new offer and acknowledges the
 * first INVITE. It gets the same ACK again (RFC 3261 §13.2.2.4). And a 2xx moves the remote target (§12.2.1.2).
 */
export function acknowledgeReinvitesAgain(): void {
  const { ack } = sessionDialog;
  const { receiveResponse } = reinviteClient;
  const acknowledged = new WeakMap<object, OutgoingRequestMessage>();
  sessionDialog.ack = function (this: typeof sessionDialog, options?: object): Sent {
    const client = this.reinviteUserAgentClient;
    const sent = ack.call(this, options);
    if (client) acknowledged.set(client, sent.message);
    return sent;
  };
  reinviteClient.receiveResponse = function (this: typeof reinviteClient, message: IncomingResponseMessage): void {
    const status = message.statusCode ?? 0;
    const success = status >= 200 && status < 300;
    const sent = acknowledged.get(this);
    if (success && sent) { this.transaction.ackResponse(sent); return; }
    if (success) refreshTarget(this.dialog, message);
    receiveResponse.call(this, message);
  };
}
