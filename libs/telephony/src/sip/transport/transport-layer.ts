import type { SipTransportName } from '@dialfleet/call';
import { errorMessage, type Clock } from '@dialfleet/kit';
import type { Transport } from 'sip.js/lib/core/transport.js';
import { AimBook, type Aim, type AimOptions } from './aim-book.js';
import { KeptFlow, type HeldFlow, type KeepFlowOptions } from './kept-flow.js';
import { LargeRequests } from './large-requests.js';
import { destinationOf, nextHopOf, staysOnAim, strictlyRouted } from './next-hop.js';
import type { OwnAddress } from './own-address.js';
import { Retransmitter, type PendingRequest } from './retransmitter.js';
import { protocolOf, type Hop, type SipSocket } from './sip-socket.js';
import type { ServerLocator, ServerTls } from '../locate/sip-target.js';
import { UdpProbe } from './udp-probe.js';
import { wireFault } from '../message/wire-guard.js';
import { annotateVia, callIdOf, hasToTag, responseRoute, scanMessage, splitJoinedVia, withVia, type Peer, type WireMessage } from '../message/wire.js';

export type { AimOptions } from './aim-book.js';

const DEFAULT_KEEP_ALIVE_SECONDS = 30;
const MAX_REMEMBERED = 1_024;

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
  private readonly aims: AimBook;
  private readonly large: LargeRequests;
  private readonly probe: UdpProbe;
  private readonly kept = new Set<KeptFlow>();
  /** Why a request could not be sent, by branch: sip.js reports a bare 503. */
  private readonly sendErrors = new Map<string, string>();
  /** INVITEs given up while their connection was being made, by branch. */
  private readonly withdrawn = new Set<string>();
  /** A request is not going to be answered: its connection is gone, or its port is closed. Set by the owner. */
  onRequestLost: (branch: string, method: string, reason: string) => void = () => undefined;

  constructor(private readonly clock: Clock, private readonly locator: ServerLocator, readonly own: OwnAddress, private readonly mainTransport: SipTransportName) {
    this.aims = new AimBook(clock);
    this.large = new LargeRequests(clock);
    this.probe = new UdpProbe(clock, (address, port) => this.refused(address, port));
    this.retransmitter = new Retransmitter(clock, (text, to) => {
      this.transmit(text, to).catch(() => undefined);
      this.probe.start(to);
    }, (to, sinceMs) => this.suspect(to, sinceMs));
  }

  /** What sip.js writes into a Via before we know better. */
  get protocol(): string { return protocolOf[this.mainTransport]; }

  attach(socket: SipSocket): void {
    this.sockets.set(socket.transport, socket);
    if (socket.port !== undefined) this.own.listening(socket.transport, socket.port);
  }

  /** TLS and WSS listeners show another certificate from the next handshake on. Throws when it is no pair of certificate and key. */
  renew(tls: ServerTls): void { for (const socket of this.sockets.values()) socket.renew?.(tls); }

  has(transport: SipTransportName): boolean { return this.sockets.has(transport); }

  portOf(transport: SipTransportName): number | undefined { return this.sockets.get(transport)?.port; }

  /**
   * Requests with this Call-ID go to `target` from now on: those outside a dialog, and those within one whose next hop is
   * the same place or can be reached in no other way. Calling it again aims elsewhere.
   */
  aim(callId: string, target: Hop, options: AimOptions = {}): void {
    const endUse = this.sockets.get(target.transport)?.use(target, { keepAliveMs: keepAliveMsOf(options) }) ?? (() => undefined);
    const { tcpForLargeRequests, onFlowLost } = options;
    this.aims.set(callId, { tcpForLargeRequests, onFlowLost, target, endUse });
  }

  /** A call that came in: what we ask within it goes back the same way, as far as `aim` says. */
  aimBack(callId: string, { address, port, transport = 'udp', flow }: Peer): void {
    this.aim(callId, { address, port, transport, hostname: address, ...(flow === undefined ? {} : { flow }) });
  }

  /** The call is over. What it still has to say (a forked 2xx is acknowledged and ended) goes the same way. */
  release(callId: string): void { this.aims.release(callId); }

  /** Where the requests of this call go. */
  aimOf(callId: string): Hop | undefined { return this.aims.find(callId)?.target; }

  /** Holds a connection to the target open, through all its losses, until released. Not for UDP. */
  keepConnection(target: Hop, options: KeepFlowOptions): HeldFlow {
    const socket = this.socketOf(target);
    const endUse = socket.use(target, { keepAliveMs: keepAliveMsOf(options) });
    const kept = new KeptFlow({ ...options, clock: this.clock, connect: () => socket.connect?.(target) ?? Promise.resolve(target) });
    this.kept.add(kept);
    const release = (): void => {
      kept.release();
      endUse();
      this.kept.delete(kept);
    };
    return { get isUp() { return kept.isUp; }, release };
  }

  /** Called by sip.js with a whole message. A rejection ends the transaction as a transport error. */
  send(text: string): Promise<void> {
    const message = scanMessage(text);
    if (!message) return Promise.reject(new Error('message to be sent has no start line, Via or CSeq'));
    return message.status === undefined ? this.sendRequest(message) : this.sendResponse(message);
  }

  /** A response by its top Via as annotated, to its source where there is no reading that. Nothing is remembered of it: no repetition, no wait for an ACK (RFC 3261 §8.2.7). */
  async sendStateless(text: string, via: string, { transport, address, port, flow }: Peer): Promise<void> {
    const route = responseRoute(via);
    await this.transmit(text, route ? this.responseHop(route) : { transport: transport ?? 'udp', address, port, hostname: address, flow });
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
    if (this.retransmitter.repeatNoMore(branch)) return;
    if (this.withdrawn.size >= MAX_REMEMBERED) this.withdrawn.clear();
    this.withdrawn.add(branch);
  }

  /** The reason why the request of this branch never left, or was lost, told once. */
  takeSendError(branch: string): string | undefined {
    const reason = this.sendErrors.get(branch);
    this.sendErrors.delete(branch);
    return reason;
  }

  /**
   * Whoever waits on this connection waits in vain. Where we listen, the far end may still come back with the answer to a
   * request that it has begun to answer (RFC 3261 §18.2.2). A request that met a connection which was dying is sent once
   * more on a new one: to a far end that had it, that is a repetition.
   */
  flowLost(flow: string, reason: string): void {
    for (const kept of this.kept) kept.lost(flow, reason);
    const mayComeBack = this.own.isListening(transportOfFlow(flow));
    for (const request of this.retransmitter.pendingTo((to) => to.flow === flow)) {
      if (!request.answered && request.to.insteadOf) this.sendAfterAll(request, request.to.insteadOf);
      else if (!request.answered && request.to.reused) this.sendAgain(request, { ...request.to, flow: undefined });
      else if (!request.answered || !mayComeBack) this.lost(request.branch, request.method, reason);
    }
    for (const aim of this.aims.along(flow)) aim.onFlowLost?.(reason);
  }

  async close(): Promise<void> {
    this.retransmitter.stop();
    this.probe.close();
    for (const kept of this.kept) kept.release();
    await this.closeSockets();
  }

  async closeSockets(): Promise<void> {
    const sockets = [...this.sockets.values()];
    this.sockets.clear();
    await Promise.all(sockets.map((socket) => socket.close()));
  }

  private sendRequest(written: WireMessage): Promise<void> {
    const message = strictlyRouted(written);
    // CANCEL and the ACK to a refusal go where their INVITE went (RFC 3261 §9.1, §17.1.1.3).
    const known = message.method === 'ACK' || message.method === 'CANCEL' ? this.retransmitter.inviteDestination(message.branch) : undefined;
    if (known) return this.transmitRequest(message, known);
    const callId = callIdOf(message.text);
    const aim = callId === undefined ? undefined : this.aims.find(callId);
    if (aim && !hasToTag(message.text)) return this.sizedRequest(message, aim.target, aim);
    const next = nextHopOf(written);
    if (!next) return Promise.reject(new Error(`no destination in request URI ${message.requestUri}`));
    if (aim && staysOnAim(next, aim.target)) return this.sizedRequest(message, aim.target, aim);
    return this.sendAlong(message, this.locator.locate(destinationOf(next, aim?.target, this.has('udp') ? 'udp' : this.mainTransport)), aim);
  }

  /** To the first of these places that takes it; where none does, the way that the call came. */
  private async sendAlong(message: WireMessage, located: Promise<Hop[]>, aim: Aim | undefined): Promise<void> {
    const places = await located.catch((error: unknown) => { if (aim) return []; throw error; });
    let failure: unknown;
    for (const place of aim ? [...places, aim.target] : places) {
      try {
        return await this.sizedRequest(message, place, aim);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  private sizedRequest(message: WireMessage, to: Hop, aim: Aim | undefined): Promise<void> {
    return this.large.wantsTcp(message, to, aim) && this.has('tcp') ? this.largeRequest(message, to) : this.transmitRequest(message, to, to, aim);
  }

  private async largeRequest(message: WireMessage, to: Hop): Promise<void> {
    const overTcp = await this.large.overTcp(to, (hop) => this.socketOf(hop).connect?.(hop));
    return this.transmitRequest(message, overTcp ?? to, to);
  }

  /** @param contactWay how the far end is to reach us: as over the trunk's own transport, also for a request too large for it */
  private async transmitRequest(message: WireMessage, to: Hop, contactWay?: Hop, aim?: Aim): Promise<void> {
    try {
      const socket = this.socketOf(to);
      const hop = socket.connect ? await socket.connect(to) : to;
      if (aim) aim.flow = hop.flow;
      if (message.method === 'INVITE' && this.withdrawn.has(message.branch ?? '')) throw new Error('withdrawn before it could be sent');
      const text = this.own.withOwnNames(message, hop, contactWay === undefined || contactWay === to ? hop : contactWay);
      this.retransmitter.requestSent({ ...message, text }, hop);
      await this.put(socket, text, hop);
      if (this.sendErrors.size > 0) this.sendErrors.delete(message.branch ?? '');
    } catch (error) {
      this.notSent(message.branch ?? '', message.method ?? '', errorMessage(error));
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
    return { transport: transportOfFlow(flow), address: host, port, hostname: host, flow };
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

  /** A server that takes connections and closes them is none that refuses TCP by the book (RFC 3261 §18.1.1), yet UDP is what it has. */
  private sendAfterAll(request: PendingRequest, to: Hop): void {
    this.large.avoidTcp(to);
    this.sendAgain(request, to);
  }

  private sendAgain({ branch, method, text }: PendingRequest, to: Hop): void {
    const message = scanMessage(text);
    if (!message) return;
    this.transmitRequest(message, to, undefined, this.aims.find(callIdOf(text) ?? '')).catch((error: unknown) => { this.lost(branch, method, errorMessage(error)); });
  }

  private refused(address: string, port: number): void {
    for (const { branch, method, answered } of this.retransmitter.pendingTo((to) => to.transport === 'udp' && to.address === address && to.port === port)) {
      if (!answered) this.lost(branch, method, `nobody listens at UDP port ${port} of ${address}`);
    }
  }

  private suspect(to: Hop, sinceMs: number): void {
    if (to.flow !== undefined) this.sockets.get(to.transport)?.suspect?.(to.flow, sinceMs, 'a request on it was never answered');
  }

  private lost(branch: string, method: string, reason: string): void {
    this.notSent(branch, method, reason);
    this.onRequestLost(branch, method, reason);
  }

  private notSent(branch: string, method: string, reason: string): void {
    this.retransmitter.forget(branch, method);
    if (this.withdrawn.delete(branch)) return;
    if (this.sendErrors.size >= MAX_REMEMBERED) this.sendErrors.clear();
    this.sendErrors.set(branch, reason);
  }
}

export const keepAliveMsOf = ({ keepAliveSeconds = DEFAULT_KEEP_ALIVE_SECONDS }: KeepFlowOptions): number => keepAliveSeconds * 1_000;

/** Connections are named after their transport; what came without one came by UDP. */
const transportOfFlow = (flow: string | undefined): SipTransportName => (flow === undefined ? 'udp' : flow.replace(/[^a-z]+$/, '')) as SipTransportName;
