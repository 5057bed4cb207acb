import { errorMessage, type Logger } from '@dialfleet/kit';
import type { Logger as SipLogger } from 'sip.js/lib/core/log/logger.js';
import { IncomingRequestMessage } from 'sip.js/lib/core/messages/incoming-request-message.js';
import { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import { Parser } from 'sip.js/lib/core/messages/parser.js';
import type { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import { URI } from 'sip.js/lib/grammar/uri.js';
import type { Admission, Verdict } from './admission.js';
import { isCredibleResponse, readRequestLine, requestFault, type Refusal } from './message-rules.js';
import { telToSip } from '../message/fast-grammar.js';
import { canonicalText, firstOf, readRawMessage, transactionBranch, type RawMessage } from '../message/raw-message.js';
import { isAnswer, mendedResponses } from '../message/mended-response.js';
import { ServerTransactionIndex } from '../sip-js/server-transaction-index.js';
import { statelessReply } from './stateless-reply.js';
import type { TransportLayer } from '../transport/transport-layer.js';
import { viaParameter, type Peer } from '../message/wire.js';

/** How a request reached us: what sip.js' own message does not keep. */
export interface Arrival {
  source: Peer;
  requestUri: URI;
  /** The message as received. */
  text: string;
}

export interface IntakeHooks {
  /** A call of ours has this Call-ID. */
  isOurs(callId: string): boolean;
  /** A message was understood, and goes to its transaction now. */
  onReceived(callId: string, text: string, source: Peer): void;
  /** A 101–199 that cannot make a dialog (no To tag or no Contact): sip.js would drop it. */
  onInformalProgress(callId: string, sipStatus: number, branch: string): void;
}

/** Takes messages from the wire, turns away who may not come in, refuses what is malformed, and hands the rest to sip.js. Never throws. */
export class MessageIntake {
  readonly counts = { malformed: 0, failed: 0, turnedAway: 0 };
  private readonly arrivals = new WeakMap<IncomingRequestMessage, Arrival>();
  private readonly serverTransactions = new ServerTransactionIndex();

  constructor(private readonly core: UserAgentCore, private readonly transport: TransportLayer, private readonly hooks: IntakeHooks,
    private readonly sipLogger: SipLogger, private readonly logger: Logger, private readonly admission: Admission) {
    core.userAgentServers = this.serverTransactions;
  }

  arrivalOf(message: IncomingRequestMessage): Arrival | undefined { return this.arrivals.get(message); }

  receive(text: string, source: Peer): void {
    try {
      const raw = readRawMessage(text);
      if (!raw) { this.unreadable(source); return; }
      if (raw.startLine.startsWith('SIP/')) this.responseReceived(raw, text, source);
      else this.requestReceived(raw, text, source);
    } catch (error) {
      this.counts.failed++;
      this.logger.warn('SIP message could not be handled', { from: source.address, error: errorMessage(error) });
    }
  }

  private unreadable(source: Peer): void {
    if (this.admission.message(source)) this.counts.malformed++; else this.counts.turnedAway++;
  }

  private responseReceived(raw: RawMessage, text: string, source: Peer): void {
    if (!this.isAwaited(raw) && !this.admission.message(source)) { this.counts.turnedAway++; return; }
    const message = isCredibleResponse(raw) ? this.understood(raw, text, source) : undefined;
    if (!message) { this.counts.malformed++; return; }
    this.hooks.onReceived(message.callId, text, source);
    this.response(message);
  }

  /** A header field that makes no sense, or a Contact that is missing, must not lose the response around it: the answer to a call, or its refusal. */
  private understood(raw: RawMessage, text: string, source: Peer): IncomingResponseMessage | undefined {
    const whole = isAnswer(raw) && firstOf(raw, 'contact') === undefined ? undefined : this.parseResponse(raw.irregular ? canonicalText(raw) : text, source);
    if (whole || !this.isAwaited(raw)) return whole;
    for (const mended of mendedResponses(raw, this.invitedUri(raw))) {
      const message = this.parseResponse(canonicalText(mended), source);
      if (message) return message;
    }
    return undefined;
  }

  private invitedUri(raw: RawMessage): string | undefined {
    const branch = viaParameter(firstOf(raw, 'via') ?? '', 'branch') ?? '';
    const client = this.core.userAgentClients.get(`${branch}INVITE`) as unknown as { message: { ruri: URI } } | undefined;
    return client?.message.ruri.toRaw();
  }

  private parseResponse(text: string, source: Peer): IncomingResponseMessage | undefined {
    const received = this.transport.receive(text, source);
    const message = received && Parser.parseMessage(received.text, this.sipLogger);
    return message instanceof IncomingResponseMessage ? message : undefined;
  }

  /** A response to a request of ours that still waits. */
  private isAwaited(raw: RawMessage): boolean {
    if (this.hooks.isOurs(firstOf(raw, 'call-id') ?? '')) return true;
    const branch = viaParameter(firstOf(raw, 'via') ?? '', 'branch');
    const method = /\s(\S+)$/.exec(firstOf(raw, 'cseq') ?? '')?.[1];
    return branch !== undefined && method !== undefined && this.core.userAgentClients.has(branch + method);
  }

  private requestReceived(raw: RawMessage, text: string, source: Peer): void {
    const verdict = this.admit(raw, source);
    if (verdict === 'drop') { this.counts.turnedAway++; return; }
    const fault = requestFault(raw);
    if (fault) this.counts.malformed++;
    const refusal = fault ?? (verdict === 'pass' ? undefined : verdict);
    if (refusal) { this.refuse(raw, source, refusal); return; }
    const received = this.transport.receive(raw.irregular ? canonicalText(raw) : text, source);
    const message = received && Parser.parseMessage(received.text, this.sipLogger);
    if (message instanceof IncomingRequestMessage) message.ruri ??= telephoneUri(raw.startLine, this.core.configuration.viaHost);
    if (!(message instanceof IncomingRequestMessage) || !message.ruri) {
      this.counts.malformed++;
      this.refuse(raw, source, { statusCode: 400 });
      return;
    }
    message.viaBranch = transactionBranch(raw);
    this.hooks.onReceived(message.callId, text, source);
    this.request(message, text, source);
  }

  /** What belongs to a call or a transaction of ours passes; anything else goes through the door. */
  private admit(raw: RawMessage, source: Peer): Verdict {
    if (this.hooks.isOurs(firstOf(raw, 'call-id') ?? '') || this.serverTransactions.has(transactionBranch(raw))) return 'pass';
    if (!this.admission.message(source)) return 'drop';
    const line = readRequestLine(raw.startLine);
    // An ACK begins nothing, and nor does what has a To tag: sip.js knows no dialog of it.
    if (!line || line.method === 'ACK' || line.method === 'CANCEL' || /;\s*tag\s*=/i.test(firstOf(raw, 'to') ?? '')) return this.admission.stray(source);
    return this.admission.request({ method: line.method, requestUri: line.uri, callId: firstOf(raw, 'call-id') ?? '', header: (name) => firstOf(raw, name) }, source);
  }

  /** Without state: whoever floods us costs us no memory. An ACK is never answered, nor what no Via came with: HTTP, TLS, noise. */
  private refuse(raw: RawMessage, source: Peer, refusal: Refusal): void {
    if (raw.startLine.startsWith('ACK ') || firstOf(raw, 'via') === undefined) return;
    const { via, text } = statelessReply(raw, source, refusal, this.core.configuration.userAgentHeaderFieldValue ?? '');
    this.transport.sendStateless(text, via, source).catch((error: unknown) => { this.logger.debug('refusal not sent', { error: errorMessage(error) }); });
  }

  private request(message: IncomingRequestMessage, text: string, source: Peer): void {
    // sip.js takes only requests for its own contact (404 otherwise) and only sip: (416): who was meant is kept here.
    this.arrivals.set(message, { source, requestUri: message.ruri as URI, text });
    message.ruri = this.core.configuration.contact.uri;
    this.serverTransactions.receiving(message);
    this.core.receiveIncomingRequestFromTransport(message);
  }

  private response(message: IncomingResponseMessage): void {
    const status = message.statusCode ?? 0;
    if (message.method === 'INVITE' && status > 100 && status < 200 && (!message.toTag || !message.hasHeader('contact'))) {
      this.hooks.onInformalProgress(message.callId, status, message.viaBranch);
    }
    this.core.receiveIncomingResponseFromTransport(message);
  }
}

/** `INVITE tel:+1-415-555-0100;…`, which sip.js has no word for: the same number as a user of ours. */
const telephoneUri = (startLine: string, host: string): URI | undefined => telToSip(startLine.split(' ')[1] ?? '', host);
