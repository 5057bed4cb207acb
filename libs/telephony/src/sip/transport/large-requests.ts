import { within, type Clock } from '@dialfleet/kit';
import type { AimOptions } from './aim-book.js';
import type { Hop } from './sip-socket.js';
import type { WireMessage } from '../message/wire.js';

/** RFC 3261 §18.1.1: larger requests leave a datagram on a path of unknown MTU. */
export const MAX_DATAGRAM_REQUEST_BYTES = 1_300;
/** A server that drops connection attempts must not hold up the call for long. */
const CONNECT_LIMIT_MS = 2_000;
/** How long a server that takes no TCP is not asked again. */
const NO_TCP_MS = 10 * 60_000;
const MAX_REMEMBERED = 1_024;

/** Requests that are too large for UDP go over TCP to the same place, and over UDP after all where that is refused. */
export class LargeRequests {
  private readonly withoutTcp = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  wantsTcp({ method, text }: WireMessage, to: Hop, { tcpForLargeRequests = true }: AimOptions = {}): boolean {
    if (to.transport !== 'udp' || !tcpForLargeRequests || method === 'CANCEL' || method === 'ACK') return false;
    if (text.length <= MAX_DATAGRAM_REQUEST_BYTES / 4 || Buffer.byteLength(text) <= MAX_DATAGRAM_REQUEST_BYTES) return false;
    return (this.withoutTcp.get(keyOf(to)) ?? 0) <= this.clock.monotonicMs();
  }

  /** The connection to take instead; undefined: UDP after all. */
  async overTcp(to: Hop, connect: (hop: Hop) => Promise<Hop> | undefined): Promise<Hop | undefined> {
    const attempt = connect({ ...to, transport: 'tcp', flow: undefined });
    const connected = attempt && await within(this.clock, CONNECT_LIMIT_MS, attempt.catch(() => undefined));
    if (!connected) this.avoidTcp(to);
    return connected && { ...connected, insteadOf: to };
  }

  /** This server takes no TCP. */
  avoidTcp(to: Hop): void {
    if (this.withoutTcp.size >= MAX_REMEMBERED) this.withoutTcp.clear();
    this.withoutTcp.set(keyOf(to), this.clock.monotonicMs() + NO_TCP_MS);
  }
}

const keyOf = (to: Hop): string => `${to.address} ${to.port}`;
