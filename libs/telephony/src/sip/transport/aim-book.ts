import type { Clock } from '@dialfleet/kit';
import { TRANSACTION_TIMEOUT_MS } from './retransmitter.js';
import type { Hop } from './sip-socket.js';

export interface AimOptions {
  /** A request too large for a datagram goes over TCP (RFC 3261 §18.1.1); default true. */
  tcpForLargeRequests?: boolean;
  /** Between signs of life on the way to the target while the call lasts; 0: none. Default 30. */
  keepAliveSeconds?: number;
  /** The connection that the last request went over is gone. */
  onFlowLost?(reason: string): void;
}

/** As asked for, with where it leads. */
export interface Aim extends Pick<AimOptions, 'tcpForLargeRequests' | 'onFlowLost'> {
  target: Hop;
  /** The connection that the last request went over. */
  flow?: string;
  endUse(): void;
}

/** Where the requests of each call go. A call that is over is remembered for its last words, one to two transaction times. */
export class AimBook {
  private readonly aims = new Map<string, Aim>();
  private released = new Map<string, Aim>();
  private releasedBefore = new Map<string, Aim>();
  private releasedSinceMs = 0;

  constructor(private readonly clock: Clock) {}

  set(callId: string, aim: Aim): void {
    this.aims.get(callId)?.endUse();
    this.aims.set(callId, aim);
  }

  find(callId: string): Aim | undefined {
    return this.aims.get(callId) ?? this.released.get(callId) ?? this.releasedBefore.get(callId);
  }

  /** Of those in use. */
  along(flow: string): Aim[] { return [...this.aims.values()].filter((aim) => aim.flow === flow); }

  release(callId: string): void {
    const aim = this.aims.get(callId);
    if (!aim) return;
    aim.endUse();
    this.aims.delete(callId);
    const now = this.clock.monotonicMs();
    if (now - this.releasedSinceMs > TRANSACTION_TIMEOUT_MS) {
      this.releasedBefore = now - this.releasedSinceMs > 2 * TRANSACTION_TIMEOUT_MS ? new Map() : this.released;
      this.released = new Map();
      this.releasedSinceMs = now;
    }
    const { target, tcpForLargeRequests } = aim;
    this.released.set(callId, { target, tcpForLargeRequests, endUse: () => undefined });
  }
}
