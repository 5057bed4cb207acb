import type { SipTransportName } from '@dialfleet/call';
import type { SipTarget } from './sip-target.js';
import type { Peer } from './wire.js';

/** Where a message goes. `flow` names the connection to take while it lives; without it, one to the target. */
export interface Hop extends SipTarget {
  flow?: string;
  /** Our end of that connection: what the far end sees, NAT apart. */
  localPort?: number;
}

/** As in a Via header. */
export const protocolOf: Record<SipTransportName, string> = { udp: 'UDP', tcp: 'TCP', tls: 'TLS', ws: 'WS', wss: 'WSS' };
/** RFC 3261 §19.1.2; RFC 7118 §5.3 for WebSockets. */
export const defaultPortOf: Record<SipTransportName, number> = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 };
/** A reliable transport repeats nothing itself needs to repeat (RFC 3261 §17). */
export const isReliable = (transport: SipTransportName): boolean => transport !== 'udp';
export const isSecure = (transport: SipTransportName): boolean => transport === 'tls' || transport === 'wss';
export const isWebSocket = (transport: SipTransportName): boolean => transport === 'ws' || transport === 'wss';

/** Moves whole SIP messages as text over one transport: a UDP socket, or all connections of a kind. */
export interface SipSocket {
  readonly transport: SipTransportName;
  /** Where it listens; undefined when it only connects. */
  readonly port: number | undefined;
  /** The connection to take, opened where there is none; absent for datagrams. */
  connect?(to: Hop): Promise<Hop>;
  /** Resolves once handed to the system; rejects when it cannot be sent. `to.address` is an IP address. */
  send(text: string, to: Hop): Promise<void>;
  close(): Promise<void>;
}

/** What a socket tells its owner; given when it is opened. */
export interface SocketListener {
  onMessage(text: string, source: Peer): void;
  /** A message was refused unread: too large, or not framed as SIP. */
  onRefused(reason: string, source: Peer): void;
  onError(error: Error): void;
}

export type OpenSocket = (bindAddress: string, port: number, listener: SocketListener) => Promise<SipSocket>;
