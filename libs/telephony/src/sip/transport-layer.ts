import type { Clock } from '@dialfleet/kit';
import type { Transport } from 'sip.js/lib/core/transport.js';
import type { HostResolver } from './host-resolver.js';
import { Retransmitter } from './retransmitter.js';
import type { SipSocket } from './sip-socket.js';
import { annotateVia, requestRoute, responseRoute, scanMessage, splitJoinedVia, withVia, type Peer, type WireMessage } from './wire.js';

/**
 * Between sip.js' transactions and a socket: finds where each message goes (RFC 3261 §18), keeps the retransmission
 * timers, and marks in the Via of each request where it came from.
 */
export class TransportLayer implements Transport {
  readonly retransmitter: Retransmitter;
  private socket: SipSocket | undefined;
  /** Why an INVITE could not be sent, by branch: sip.js reports a bare 503. */
  private readonly sendErrors = new Map<string, string>();

  constructor(clock: Clock, private readonly resolver: HostResolver, reliable: boolean, readonly protocol: string) {
    this.retransmitter = new Retransmitter(clock, reliable, (text, to) => { this.transmit(text, to).catch(() => undefined); });
  }

  attach(socket: SipSocket): void { this.socket = socket; }

  /** Called by sip.js with a whole message. A rejection ends the transaction as a transport error. */
  send(text: string): Promise<void> {
    const message = scanMessage(text);
    if (!message) return Promise.reject(new Error('message to be sent has no start line, Via or CSeq'));
    return message.status === undefined ? this.sendRequest(message) : this.sendResponse(message);
  }

  /** A message from the wire → the text for sip.js; undefined when it is no SIP message. */
  receive(text: string, source: Peer): { text: string; message: WireMessage } | undefined {
    const raw = scanMessage(text);
    if (!raw) return undefined;
    const split = splitJoinedVia(raw);
    if (raw.status !== undefined) {
      this.retransmitter.responseReceived(raw);
      return { text: split, message: raw };
    }
    if (raw.method === 'ACK') this.retransmitter.ackReceived(raw.branch);
    const message = { ...raw, text: split };
    return { text: withVia(message, annotateVia(raw.via, source)), message };
  }

  /** The reason why the INVITE of this branch never left, told once. */
  takeSendError(branch: string): string | undefined {
    const reason = this.sendErrors.get(branch);
    this.sendErrors.delete(branch);
    return reason;
  }

  async close(): Promise<void> {
    this.retransmitter.stop();
    await this.socket?.close();
  }

  private sendRequest(message: WireMessage): Promise<void> {
    const known = message.method === 'ACK' || message.method === 'CANCEL' ? this.retransmitter.inviteDestination(message.branch) : undefined;
    if (known) return this.transmitRequest(message, known);
    const route = requestRoute(message);
    if (!route) return Promise.reject(new Error(`no destination in request URI ${message.requestUri}`));
    const address = this.resolver.cached(route.host);
    if (address !== undefined) return this.transmitRequest(message, { address, port: route.port });
    return this.resolver.resolve(route.host).then((resolved) => this.transmitRequest(message, { address: resolved, port: route.port }));
  }

  private transmitRequest(message: WireMessage, to: Peer): Promise<void> {
    this.retransmitter.requestSent(message, to);
    return this.transmit(message.text, to).catch((error: Error) => {
      if (message.method === 'INVITE' && message.branch !== undefined) {
        this.retransmitter.forgetInvite(message.branch);
        this.sendErrors.set(message.branch, error.message);
      }
      throw error;
    });
  }

  private sendResponse(message: WireMessage): Promise<void> {
    const route = responseRoute(message.via);
    const address = route && this.resolver.cached(route.host);
    // `received` was added wherever the Via named another host than the source: what is left is an address.
    if (!route || address === undefined) return Promise.reject(new Error(`no destination in Via ${message.via}`));
    const to: Peer = { address, port: route.port, flow: route.flow };
    const text = withVia(message, route.via);
    if (message.cseqMethod === 'INVITE' && (message.status ?? 0) >= 300) this.retransmitter.refusalSent({ ...message, text }, to);
    return this.transmit(text, to);
  }

  private transmit(text: string, to: Peer): Promise<void> {
    return this.socket ? this.socket.send(text, to) : Promise.reject(new Error('the SIP socket is not open'));
  }
}
