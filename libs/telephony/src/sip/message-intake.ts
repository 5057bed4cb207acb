import { errorMessage, type Logger } from '@dialfleet/kit';
import type { Logger as SipLogger } from 'sip.js/lib/core/log/logger.js';
import { IncomingRequestMessage } from 'sip.js/lib/core/messages/incoming-request-message.js';
import { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import { Parser } from 'sip.js/lib/core/messages/parser.js';
import type { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import type { URI } from 'sip.js/lib/grammar/uri.js';
import { ServerTransactionIndex } from './server-transaction-index.js';
import type { TransportLayer } from './transport-layer.js';
import type { Peer, WireMessage } from './wire.js';

/** How a request reached us: what sip.js' own message does not keep. */
export interface Arrival { source: Peer; requestUri: URI }

export interface IntakeHooks {
  /** A 101–199 that cannot make a dialog (no To tag or no Contact): sip.js would drop it. */
  onInformalProgress(callId: string, sipStatus: number, branch: string): void;
}

const MANDATORY = ['from', 'to', 'call-id', 'cseq', 'via'];
/** RFC 3261 §8.1.1.5: less than 2**31. */
const MAX_CSEQ = 2 ** 31 - 1;

/** Takes messages from the wire, refuses what is malformed, and hands the rest to sip.js. Never throws. */
export class MessageIntake {
  readonly counts = { malformed: 0, failed: 0 };
  private readonly arrivals = new WeakMap<IncomingRequestMessage, Arrival>();
  private readonly serverTransactions = new ServerTransactionIndex();

  constructor(private readonly core: UserAgentCore, private readonly transport: TransportLayer, private readonly hooks: IntakeHooks,
    private readonly sipLogger: SipLogger, private readonly logger: Logger) {
    core.userAgentServers = this.serverTransactions;
  }

  arrivalOf(message: IncomingRequestMessage): Arrival | undefined { return this.arrivals.get(message); }

  receive(text: string, source: Peer): void {
    try {
      const received = this.transport.receive(text, source);
      const message = received && Parser.parseMessage(received.text, this.sipLogger);
      if (!received || !message || !MANDATORY.every((name) => message.hasHeader(name))) this.counts.malformed++;
      else if (message instanceof IncomingRequestMessage) this.request(message, received.message, source);
      else this.response(message);
    } catch (error) {
      this.counts.failed++;
      this.logger.warn('SIP message could not be handled', { from: source.address, error: errorMessage(error) });
    }
  }

  private request(message: IncomingRequestMessage, wire: WireMessage, source: Peer): void {
    const fault = requestFault(message, wire);
    if (fault) {
      this.counts.malformed++;
      if (message.method !== 'ACK') this.core.replyStateless(message, fault);
      return;
    }
    if (message.ruri) {
      // sip.js takes only requests for its own contact (404 otherwise) and only sip: (416): who was meant is kept here.
      this.arrivals.set(message, { source, requestUri: message.ruri });
      message.ruri = this.core.configuration.contact.uri;
    }
    this.serverTransactions.receiving(message);
    this.core.receiveIncomingRequestFromTransport(message);
  }

  private response(message: IncomingResponseMessage): void {
    if (tooShort(message)) { this.counts.malformed++; return; }
    const status = message.statusCode ?? 0;
    if (message.method === 'INVITE' && status > 100 && status < 200 && (!message.toTag || !message.hasHeader('contact'))) {
      this.hooks.onInformalProgress(message.callId, status, message.viaBranch);
    }
    this.core.receiveIncomingResponseFromTransport(message);
  }
}

type Refusal = { statusCode: number; reasonPhrase?: string; extraHeaders?: string[] };

/** What RFC 3261 §8.2 wants refused and sip.js lets pass. */
function requestFault(message: IncomingRequestMessage, wire: WireMessage): Refusal | undefined {
  if (message.method !== wire.cseqMethod || !(message.cseq <= MAX_CSEQ)) return { statusCode: 400, reasonPhrase: 'Bad CSeq' };
  if (tooShort(message)) return { statusCode: 400, reasonPhrase: 'Body Shorter Than Content-Length' };
  if (!message.fromTag && message.method !== 'CANCEL') return { statusCode: 400, reasonPhrase: 'Missing From Tag' };
  const required = message.getHeaders('require').join(',').split(',').map((tag) => tag.trim()).filter(Boolean);
  // None of the extensions is ours yet (RFC 3261 §8.2.2.3); CANCEL and ACK must not be refused for it.
  if (required.length === 0 || message.method === 'ACK' || message.method === 'CANCEL') return undefined;
  return { statusCode: 420, extraHeaders: [`Unsupported: ${required.join(', ')}`] };
}

function tooShort(message: IncomingRequestMessage | IncomingResponseMessage): boolean {
  const length = message.getHeader('content-length');
  return length !== undefined && Buffer.byteLength(message.body) < Number(length);
}
