import type { SipTransportName } from '@dialfleet/call';
import type { Clock } from '@dialfleet/kit';
import type { ServerTls, SipTarget } from '../locate/sip-target.js';
import type { Peer } from '../message/wire.js';

/** Where a message goes. `flow` names the connection to take while it lives; without it, one to the target. */
export interface Hop extends SipTarget {
  flow?: string;
  /** Our end of that connection: what the far end sees, NAT apart. */
  localPort?: number;
  /** The connection was there before: it may have died unnoticed. */
  reused?: boolean;
  /** Where the request would have gone had it not been too large for that. */
  insteadOf?: Hop;
}

/** As in a Via header. */
export const protocolOf: Record<SipTransportName, string> = { udp: 'UDP', tcp: 'TCP', tls: 'TLS', ws: 'WS', wss: 'WSS' };
/** RFC 3261 §19.1.2; RFC 7118 §5.3 for WebSockets. */
export const defaultPortOf: Record<SipTransportName, number> = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 };
/** A reliable transport repeats nothing itself needs to repeat (RFC 3261 §17). */
export const isReliable = (transport: SipTransportName): boolean => transport !== 'udp';
export const isSecure = (transport: SipTransportName): boolean => transport === 'tls' || transport === 'wss';
export const isWebSocket = (transport: SipTransportName): boolean => transport === 'ws' || transport === 'wss';

/** Somebody needs the way to a target: it is kept open and alive. */
export interface FlowUse {
  /** Between signs of life on a silent way; 0: none. */
  keepAliveMs: number;
}

/** Moves whole SIP messages as text over one transport: a UDP socket, or all connections of a kind. */
export interface SipSocket {
  readonly transport: SipTransportName;
  /** Where it listens; undefined when it only connects. */
  readonly port: number | undefined;
  /** The connection to take, opened where there is none; absent for datagrams. */
  connect?(to: Hop): Promise<Hop>;
  /** Resolves once handed to the system; rejects when it cannot be sent. `to.address` is an IP address. */
  send(text: string, to: Hop): Promise<void>;
  /** Until the returned function is called. Opens nothing by itself. */
  use(to: Hop, use: FlowUse): () => void;
  /** A request on this connection was never answered: it is closed unless it was heard of since. */
  suspect?(flow: string, sinceMs: number, reason: string): void;
  /** The listener shows another certificate from now on. */
  renew?(tls: ServerTls): void;
  close(): Promise<void>;
}

/** What a socket tells its owner; given when it is opened. */
export interface SocketListener {
  onMessage(text: string, source: Peer): void;
  /** A message was refused unread: too large, or not framed as SIP. */
  onRefused(reason: string, source: Peer): void;
  onError(error: Error): void;
}

export interface FlowListener extends SocketListener {
  /** The connection is gone, and with it whoever waits for an answer on it. */
  onFlowLost(flow: string, reason: string): void;
  /** Whether a trunk signals from this address: a stranger's connection is kept only once we have said something on it. */
  isKnown(address: string): boolean;
}

export interface SocketOptions {
  bindAddress: string;
  /** Undefined: connects only. 0: any free port. */
  port: number | undefined;
  clock: Clock;
  /** PEM, for a TLS or WSS listener. */
  tls?: ServerTls;
}

export type OpenSocket = (options: SocketOptions, listener: FlowListener) => Promise<SipSocket>;
