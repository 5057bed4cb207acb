import type { Dialog } from 'sip.js/lib/core/dialogs/dialog.js';
import { SessionDialog } from 'sip.js/lib/core/dialogs/session-dialog.js';
import type { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import { TransportError } from 'sip.js/lib/core/exceptions/transport-error.js';
import { OutgoingRequestMessage } from 'sip.js/lib/core/messages/outgoing-request-message.js';
import type { ResponseOptions } from 'sip.js/lib/core/messages/outgoing-response.js';
import { Timers } from 'sip.js/lib/core/timers.js';
import { ClientTransaction } from 'sip.js/lib/core/transactions/client-transaction.js';
import type { Transaction } from 'sip.js/lib/core/transactions/transaction.js';
import { TransactionState } from 'sip.js/lib/core/transactions/transaction-state.js';
import { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import { UserAgentClient } from 'sip.js/lib/core/user-agents/user-agent-client.js';
import { UserAgentServer } from 'sip.js/lib/core/user-agents/user-agent-server.js';
import { Grammar } from 'sip.js/lib/grammar/grammar.js';
import { URI } from 'sip.js/lib/grammar/uri.js';
import type { RequestAuthentication } from '../auth/call-credentials.js';
import { fastParse } from '../message/fast-grammar.js';
import { randomToken } from '../random-token.js';
import { acknowledgeReinvitesAgain, reinvitePatchPoints } from './sip-js-reinvite.js';
import { type RequestToWrite, speedPatchPoints, speedUpHeaders, speedUpUris, writeRequest } from './sip-js-speed.js';
import { teachUpdate, updatePatchPoints } from './sip-js-update.js';
import { assertSingleLines } from '../message/wire-guard.js';

/**
 * What the patches take hold of; with another sip.js one of them may be gone, and a silent no-op would cost calls. (The
 * library's own version constant is no help: 0.21.2 calls itself 0.21.1.)
 */
const patchPoints: Record<string, () => boolean> = {
  'Grammar.parse': () => typeof Grammar.parse === 'function',
  'Grammar.URIParse': () => typeof Grammar.URIParse === 'function',
  'ClientTransaction.makeId': () => typeof clientTransaction.makeId === 'function',
  'SessionDialog.prototype.dispose': () => typeof sessionDialog.dispose === 'function',
  'UserAgentClient.prototype.init': () => typeof userAgentClient.init === 'function',
  'UserAgentClient.prototype.authenticationGuard': () => typeof userAgentClient.authenticationGuard === 'function',
  'UserAgentClient.prototype.onTransportError': () => typeof userAgentClient.onTransportError === 'function',
  'URI.prototype.escapeUser': () => typeof uriPrototype.escapeUser === 'function',
  'UserAgentServer.prototype.reply': () => typeof userAgentServer.reply === 'function',
  'UserAgentCore.prototype.replyStateless': () => typeof userAgentCore.replyStateless === 'function',
  'Timers.TIMER_D, I, J, K': () => [timers.TIMER_D, timers.TIMER_I, timers.TIMER_J, timers.TIMER_K].every((ms) => typeof ms === 'number'),
  ...updatePatchPoints, ...reinvitePatchPoints, ...speedPatchPoints,
};

type Branchable = { method: string; branch?: string };
const clientTransaction = ClientTransaction as unknown as { makeId(request: Branchable): string };
const sessionDialog = SessionDialog.prototype as unknown as { dispose(): void; ackWait: boolean; reinviteUserAgentServer: unknown };
const userAgentClient = UserAgentClient.prototype as unknown as {
  init(): void; _transaction?: Transaction; core: UserAgentCore; message: OutgoingRequestMessage; credentials?: RequestAuthentication;
  authenticationGuard(response: IncomingResponseMessage, dialog?: Dialog): boolean;
  onTransportError(this: unknown, error: Error): void;
};
const uriPrototype = URI.prototype as unknown as { escapeUser(user: string): string };
const outgoingRequest = OutgoingRequestMessage.prototype as unknown as RequestToWrite;
const userAgentServer = UserAgentServer.prototype as unknown as { reply(options: ResponseOptions): unknown };
const userAgentCore = UserAgentCore.prototype;
const timers = Timers as unknown as Record<'TIMER_D' | 'TIMER_I' | 'TIMER_J' | 'TIMER_K', number>;
let applied = false;

/**
 * Repairs sip.js 0.21.2 in place, once a process. Throws when the installed version lacks a symbol that the repairs
 * rely on.
 */
export function applySipJsPatches(): void {
  if (applied) return;
  assertPatchable();
  speedUpGrammar();
  speedUpHeaders();
  drawUnguessableBranches();
  waitForRetransmissions();
  forgetAckOfDeadDialogs();
  keepChallengedTransactions();
  keepUserParts();
  speedUpUris();
  answerEveryChallenge();
  refuseLineBreaks();
  teachUpdate();
  acknowledgeReinvitesAgain();
  applied = true;
}

export function assertPatchable(points: Record<string, () => boolean> = patchPoints): void {
  const missing = Object.entries(points).filter(([, present]) => !present()).map(([name]) => name);
  if (missing.length > 0) throw new Error(`sip.js 0.21.2 is needed: the one installed lacks ${missing.join('; ')}`);
}

function speedUpGrammar(): void {
  Grammar.parse = fastParse as typeof Grammar.parse;
}

/** The original draws a branch from 1e7 numbers: even odds of a collision at 3,700 live transactions, silently overwritten. */
function drawUnguessableBranches(): void {
  clientTransaction.makeId = (request) => {
    if (request.method !== 'CANCEL') return `z9hG4bK${randomToken(12, 'base64url')}`;
    if (!request.branch) throw new Error('CANCEL needs the branch of its INVITE (RFC 3261 §9.1)');
    return request.branch;
  };
}

/** sip.js ends transactions at once, as on reliable transports; retransmissions then meet nobody (RFC 3261 §17, table 4). */
function waitForRetransmissions(): void {
  Object.assign(timers, { TIMER_D: 32_000, TIMER_I: 5_000, TIMER_J: 32_000, TIMER_K: 5_000 });
}

/**
 * A BYE that overtakes a lost ACK ends the dialog; without this the ACK's time-out fires 32 s later on a dead dialog, and
 * the repetitions of a 200 to a re-INVITE never end.
 */
function forgetAckOfDeadDialogs(): void {
  const { dispose } = sessionDialog;
  sessionDialog.dispose = function (this: typeof sessionDialog): void {
    this.ackWait = false;
    this.reinviteUserAgentServer = undefined;
    dispose.call(this);
  };
}

/**
 * The original answers one challenge a request, in MD5: a proxy and then a server, several realms, or a stale nonce after
 * the first ended the call. True: the response is final.
 */
function answerEveryChallenge(): void {
  userAgentClient.authenticationGuard = function (this: typeof userAgentClient, response, dialog): boolean {
    if (response.statusCode !== 401 && response.statusCode !== 407) return true;
    const { message, core } = this;
    this.credentials ??= core.configuration.authenticationFactory() as unknown as RequestAuthentication | undefined;
    if (!this.credentials?.answer(message, response)) return true;
    // PRACK, INFO and BYE do not name their dialog, whose next request must not repeat this CSeq.
    const within = dialog ?? core.dialogs.get(`${message.callId}${message.fromTag}${message.toTag ?? ''}`);
    within?.incrementLocalSequenceNumber();
    message.cseq = within?.localSequenceNumber ?? message.cseq + 1;
    message.setHeader('cseq', `${message.cseq} ${message.method}`);
    this.init();
    return false;
  };
}

/**
 * The transaction of a request that was challenged lives on beside its successor. sip.js would hand its late responses to the
 * successor, where a challenge that is merely repeated ends the request as if the credentials were wrong; and its timers
 * would be out of reach of the core's dispose.
 */
function keepChallengedTransactions(): void {
  const { init } = userAgentClient;
  userAgentClient.init = function (this: typeof userAgentClient): void {
    const previous = this._transaction;
    init.call(this);
    if (!previous || previous.state === TransactionState.Terminated) return;
    // sip.js removes the entry itself when the transaction ends.
    const keeper: Pick<UserAgentClient, 'transaction' | 'dispose'> = { transaction: previous as UserAgentClient['transaction'], dispose: () => previous.dispose() };
    this.core.userAgentClients.set(`${previous.id}${this.message.method}`, keeper as UserAgentClient);
  };
}

/** Ends every transaction and dialog of a core, with all their timers. */
export function disposeCore(core: UserAgentCore): void { core.dispose(); }

/** The client transaction fails as if its request could not have been sent: its user gets a 503 (RFC 3261 §8.1.3.1). */
export function loseRequest(core: UserAgentCore, branch: string, method: string, reason: string): void {
  const user = core.userAgentClients.get(`${branch}${method}`) as unknown as { _transaction?: { id: string; state: string; onTransportError(error: Error): void } } | undefined;
  const transaction = user?._transaction;
  if (transaction?.id !== branch) return;
  const error = new TransportError(reason);
  // Once a provisional response has come, sip.js takes the error for one of an ACK and tells nobody.
  if (method === 'INVITE' && transaction.state === 'Proceeding') userAgentClient.onTransportError.call(user, error);
  transaction.onTransportError(error);
}

/** Escapes, and what stands in a user part without one (RFC 3261 §25.1); `:` parts user and password. */
const NOT_IN_USER = /%(?![0-9A-Fa-f]{2})|[^%A-Za-z0-9\-_.!~*'()&=+$,;?/:]/gu;

/**
 * The original escapes `;` and `=` (§19.1.4: another URI then), by which carriers name trunk groups (RFC 4904), and throws
 * in the middle of a message over a percent sign that is no escape.
 */
function keepUserParts(): void {
  uriPrototype.escapeUser = (user) => user.replace(NOT_IN_USER, (character) => (/[\ud800-\udfff]/.test(character) && character.length === 1 ? '%EF%BF%BD' : encodeURIComponent(character)));
}

/** sip.js joins values into messages unseen: one with a line break in it would become header fields of its own. */
function refuseLineBreaks(): void {
  outgoingRequest.toString = function (this: RequestToWrite): string { return writeRequest(this); };
  const { reply } = userAgentServer;
  userAgentServer.reply = function (options) {
    assertResponseSafe(options);
    return reply.call(this, options);
  };
  const { replyStateless } = userAgentCore;
  userAgentCore.replyStateless = function (this: UserAgentCore, message, options) {
    assertResponseSafe(options);
    return replyStateless.call(this, message, options);
  };
}

function assertResponseSafe({ reasonPhrase, toTag, userAgent, supported, extraHeaders, body }: ResponseOptions): void {
  assertSingleLines([reasonPhrase, toTag, userAgent, ...supported ?? [], ...(extraHeaders ?? []).map(trimmed), body?.contentType]);
}

/** sip.js trims header lines, so that a line break at their end is none. */
const trimmed = (line: string): string => line.trim();
