import type { Peer } from './wire.js';

export type SocketTransportName = 'udp' | 'tcp';

/** Moves whole SIP messages as text: a UDP socket, or the connections of one TCP listener. */
export interface SipSocket {
  /** As in a Via header: `UDP`, `TCP`. */
  readonly protocol: string;
  /** A reliable transport repeats nothing itself needs to repeat (RFC 3261 §17). */
  readonly reliable: boolean;
  readonly port: number;
  /** Resolves once handed to the system; rejects when it cannot be sent. `to.address` is an IP address. */
  send(text: string, to: Peer): Promise<void>;
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
