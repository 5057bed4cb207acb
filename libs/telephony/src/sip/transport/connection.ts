import type { SipTransportName } from '@dialfleet/call';
import type { Hop } from './sip-socket.js';
import type { ServerTls } from '../locate/sip-target.js';

/** One connection that carries whole SIP messages: a TCP or TLS stream, or a WebSocket. */
export interface Connection {
  readonly remote: { address: string; port: number };
  readonly localPort: number;
  /** Pings are answered by every peer of this kind, so that silence means death: WebSockets, not CRLFs (RFC 5626 §3.5.1). */
  readonly alwaysPongs: boolean;
  send(text: string): Promise<void>;
  ping(): void;
  /** At once; `onClosed` follows. */
  destroy(reason?: Error): void;
}

export interface ConnectionEvents {
  onMessage(text: string): void;
  /** The far end pinged, or sent something that is no message. False: that is not to be answered. */
  onAlive(): boolean;
  onPong(): void;
  /** What came cannot be read as SIP; the connection is closed for it. */
  onRefused(reason: string): void;
  onClosed(error?: Error): void;
}

export type OpenConnection = (events: ConnectionEvents) => Connection;

export interface ConnectionServer {
  readonly port: number;
  /** Shows another certificate from the next handshake on. */
  renew?(tls: ServerTls): void;
  close(): Promise<void>;
}

/** How connections of one transport are made. */
export interface ConnectionKind {
  readonly transport: SipTransportName;
  /** Rejects, in plain words, when the far end cannot be reached or is not who it should be. */
  dial(to: Hop, events: ConnectionEvents): Promise<Connection>;
  /** Same place, same identity, same credentials: connections with the same key are interchangeable. */
  keyOf(to: Hop): string;
  listen(bindAddress: string, port: number, onConnection: (open: OpenConnection, source: { address: string; port: number }) => void): Promise<ConnectionServer>;
}

export const CONNECT_TIMEOUT_MS = 5_000;
/** A peer that opens connections without end is turned away before it eats our descriptors. */
export const MAX_CONNECTIONS = 2_048;

/** `::ffff:192.0.2.7`, as a socket for both families tells it, is 192.0.2.7. */
export const plainAddress = (address: string | undefined): string => (address ?? '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');

/** Where outgoing connections leave from: the address that the endpoint is bound to, unless it is bound to all. */
export const localAddressOf = (bindAddress: string): { localAddress?: string } =>
  (bindAddress === '0.0.0.0' || bindAddress === '::' ? {} : { localAddress: bindAddress });
