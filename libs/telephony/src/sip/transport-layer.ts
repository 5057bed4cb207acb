import type { SipTransportName } from '@dialfleet/call';
import type { Clock } from '@dialfleet/kit';
import type { Transport } from 'sip.js/lib/core/transport.js';
import { destinationOf, nextHopOf, staysOnAim } from './next-hop.js';
import type { OwnAddress } from './own-address.js';
import { Retransmitter, TRANSACTION_TIMEOUT_MS } from './retransmitter.js';
import { protocolOf, type Hop, type SipSocket } from './sip-socket.js';
import type { ServerLocator } from './sip-target.js';
import { wireFault } from './wire-guard.js';
import { annotateVia, callIdOf, hasToTag, responseRoute, scanMessage, splitJoinedVia, withVia, type Peer, type WireMessage } from './wire.js';

export interface AimOptions {
  /** A request too large for a datagram goes over TCP (RFC 3261 §18.1.1); default true. */
  tcpForLargeRequests?: boolean;
}

interface Aim extends AimOptions { target: Hop }

/** Told of each message as it goes over the wire, repetitions included. */
export interface WireTap {
  sent(text: string, to: Hop): void;
}

/**
 * Between sip.js' transactions and the sockets: finds where each message goes and over which transport (RFC 3261 §18),
 * names us in it accordingly, keeps the retransmission timers, and marks in the Via of each request where it came from.
 */
export class TransportLayer implements Transport {
  readonly retransmitter: Retransmitter;
  tap: WireTap | undefined;
  private readonly sockets = new Map<SipTransportName, SipSocket>();
  private readonly aims = new Map<string, Aim>();
  /** Aims of calls that ended lately, in two generations: each is forgotten one to two transaction times later. */
  private released = new Map<string, Aim>();
  private releasedBefore = new Map<string, Aim>();
  private releasedSinceMs = 0;
  /** Why an INVITE could not be sent, by branch: sip.js reports a bare 503. */
  private readonly sendErrors = new Map<string, string>();
  /** INVITEs given up while their connection was being made, by branch. */
  private readonly withdrawn = new Set<string>();

  constructor(private readonly clock: Clock, private readonly locator: ServerLocator, readonly own: OwnAddress, private readonly mainTransport: SipTransportName) {
    this.retransmitter = new Retransmitter(clock, (text, to) => { this.transmit(text, to).catch(() => undefined); });
  }

  /** What sip.js writes into a Via before we know better. */
  get protocol(): string { return protocolOf[this.mainTransport]; }

  attach(socket: SipSocket): void {
    this.sockets.set(socket.transport, socket);
    if (socket.port !== undefined) this.own.listening(socket.transport, socket.port);
  }

  has(transport: SipTransportName): boolean { return this.sockets.has(transport); }

  portOf(transport: SipTransportName): number | undefined { return this.sockets.get(transport)?.port; }

  /**
   * Requests with this Call-ID go to `target` from now on: those outside a dialog, and those within one whose next hop is
   * the same place or can be reached in no other way. Calling it again aims elsewhere.
   */
  aim(callId: string, target: Hop, options: AimOptions = {}): void { this.aims.set(callId, { ...options, target }); }

  /** The call is over. What it still has to say (a forked 2xx is acknowledged and ended) goes the same way. */
  release(callId: string): void {
    const aim = this.aims.get(callId);
    if (!aim) return;
    this.aims.delete(callId);
    if (this.clock.monotonicMs() - this.releasedSinceMs > TRANSACTION_TIMEOUT_MS) {
      this.releasedBefore = this.released;
      this.released = new Map();
      this.releasedSinceMs = this.clock.monotonicMs();
    }
    this.released.set(callId, aim);
  }

  /** Where the requests of this call go. */
  aimOf(callId: string): Hop | undefined { return this.findAim(callId)?.target; }

  /** Called by sip.js with a whole message. A rejection ends the transaction as a transport error. */
  send(text: string): Promise<void> {
    const message = scanMessage(text);
    if (!message) return Promise.reject(new Error('message to be sent has no start line, Via or CSeq'));
    return message.status === undefined ? this.sendRequest(message) : this.sendResponse(message);
  }

  /** A response that nothing is remembered of: no repetition, no wait for an ACK (RFC 3261 §8.2.7). */
  async sendStateless(text: string): Promise<void> {
    const message = scanMessage(text);
    const route = message && responseRoute(message.via);
    if (message && route) await this.transmit(withVia(message, route.via), this.responseHop(route));
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

  /** An INVITE given up for another: it is sent no more. A late response still finds it. */
  withdraw(branch: string): void {
    if (!this.retransmitter.repeatNoMore(branch)) this.withdrawn.add(branch);
  }

  /** The reason why the INVITE of this branch never left, told once. */
  takeSendError(branch: string): string | undefined {
    const reason = this.sendErrors.get(branch);
    this.sendErrors.delete(branch);
    return reason;
  }

  async close(): Promise<void> {
    this.retransmitter.stop();
    const sockets = [...this.sockets.values()];
    this.sockets.clear();
    await Promise.all(sockets.map((socket) => socket.close()));
  }

  private sendRequest(message: WireMessage): Promise<void> {
    // CANCEL and the ACK to a refusal go where their INVITE went (RFC 3261 §9.1, §17.1.1.3).
    const known = message.method === 'ACK' || message.method === 'CANCEL' ? this.retransmitter.inviteDestination(message.branch) : undefined;
    if (known) return this.transmitRequest(message, known);
    const callId = callIdOf(message.text);
    const aim = callId === undefined ? undefined : this.findAim(callId);
    if (aim && !hasToTag(message.text)) return this.transmitRequest(message, aim.target);
    const next = nextHopOf(message);
    if (!next) return Promise.reject(new Error(`no destination in request URI ${message.requestUri}`));
    if (aim && staysOnAim(next, aim.target)) return this.transmitRequest(message, aim.target);
    const fallback = this.has('udp') ? 'udp' : this.mainTransport;
    return this.locator.locate(destinationOf(next, aim?.target, fallback)).then(([target]) => this.transmitRequest(message, target));
  }

  private findAim(callId: string): Aim | undefined {
    return this.aims.get(callId) ?? this.released.get(callId) ?? this.releasedBefore.get(callId);
  }

  private async transmitRequest(message: WireMessage, to: Hop): Promise<void> {
    try {
      const socket = this.socketOf(to);
      const hop = socket.connect ? await socket.connect(to) : to;
      if (message.branch !== undefined && message.method === 'INVITE' && this.withdrawn.has(message.branch)) throw new Error('withdrawn before it could be sent');
      const text = this.own.withOwnNames(message, hop);
      this.retransmitter.requestSent({ ...message, text }, hop);
      await this.put(socket, text, hop);
    } catch (error) {
      if (message.method === 'INVITE' && message.branch !== undefined) {
        this.retransmitter.forgetInvite(message.branch);
        if (this.withdrawn.delete(message.branch)) throw error;
        this.sendErrors.set(message.branch, (error as Error).message);
      }
      throw error;
    }
  }

  private sendResponse(message: WireMessage): Promise<void> {
    const route = responseRoute(message.via);
    if (!route) return Promise.reject(new Error(`no destination in Via ${message.via}`));
    const to = this.responseHop(route);
    const text = this.own.withContact(withVia(message, route.via), to);
    if (message.cseqMethod === 'INVITE' && (message.status ?? 0) >= 300) this.retransmitter.refusalSent({ ...message, text }, to);
    return this.transmit(text, to);
  }

  /** `received` was added wherever the Via named another host than the source: what is left is an address. */
  private responseHop({ host, port, flow }: { host: string; port: number; flow: string | undefined }): Hop {
    return { transport: this.transportOfFlow(flow), address: host, port, hostname: host, flow };
  }

  /** Connections are named after their transport; what came without one came by UDP. */
  private transportOfFlow(flow: string | undefined): SipTransportName {
    return (flow === undefined ? 'udp' : flow.replace(/\d+$/, '')) as SipTransportName;
  }

  private transmit(text: string, to: Hop): Promise<void> {
    try {
      return this.put(this.socketOf(to), text, to);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** The one way out. */
  private put(socket: SipSocket, text: string, to: Hop): Promise<void> {
    const fault = wireFault(text);
    if (fault !== undefined) return Promise.reject(new Error(`message not sent, for it has ${fault}`));
    this.tap?.sent(text, to);
    return socket.send(text, to);
  }

  private socketOf(to: Hop): SipSocket {
    const socket = this.sockets.get(to.transport);
    if (!socket) throw new Error(`this endpoint has no SIP over ${protocolOf[to.transport]}`);
    return socket;
  }
}
