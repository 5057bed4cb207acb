import { type Clock, Fault, type Logger } from '@dialfleet/kit';
import { FRAME_MS, type PacingReport, PacingWheel } from '@dialfleet/media';
import type { MediaFactory, MediaOpening } from '../media-session.js';
import { isWildcard } from './media-address.js';
import { PortPool, type PortRange } from './port-pool.js';
import { RtpSession } from './rtp-session.js';
import { bindRtpSockets } from './rtp-sockets.js';
import type { SilenceLimits } from './silence-watch.js';

export interface RtpEngineConfig extends Partial<SilenceLimits> {
  bindAddress: string;
  /** For sessions whose description names an IPv6 address; default: `bindAddress`. The wildcard reaches IPv4, too. */
  bindAddress6?: string;
  /** The address that SDP shows; by default the one bound. Required with a wildcard. */
  advertisedAddress?: string;
  /** RTP on even ports, RTCP on the next; both inside. Without it the system picks. */
  portRange?: PortRange;
  /** How long a port rests after a call. */
  portRestMs?: number;
}

export interface RtpEngineOptions extends RtpEngineConfig {
  clock: Clock;
  logger: Logger;
}

const FIRST_PACKET_TIMEOUT_MS = 30_000;
const MEDIA_TIMEOUT_MS = 15_000;
const PORT_REST_MS = 5000;

/**
 * RTP sessions in this thread, all paced by one wheel and one timer.
 * @throws Fault from the constructor when a wildcard is bound and no address is advertised; RangeError for a port range without pairs.
 */
export class RtpEngine implements MediaFactory {
  private readonly sessions = new Set<RtpSession>();
  private readonly ports: PortPool;
  private readonly wheel: PacingWheel<RtpSession>;
  private readonly limits: SilenceLimits;
  private readonly address: string;
  private cancelTimer: (() => void) | null = null;
  private closed = false;

  constructor(private readonly options: RtpEngineOptions) {
    const { bindAddress, advertisedAddress, portRange, clock } = options;
    if (!advertisedAddress && isWildcard(bindAddress)) throw new Fault('an advertised address is required when media binds to a wildcard', false);
    this.address = advertisedAddress ?? bindAddress;
    this.ports = new PortPool(portRange, options.portRestMs ?? PORT_REST_MS);
    this.wheel = new PacingWheel(clock.monotonicMs());
    this.limits = {
      firstPacketTimeoutMs: options.firstPacketTimeoutMs ?? FIRST_PACKET_TIMEOUT_MS,
      mediaTimeoutMs: options.mediaTimeoutMs ?? MEDIA_TIMEOUT_MS,
    };
  }

  /** Rejects with NoRtpPortError when no pair of ports is free. */
  async open({ family }: MediaOpening = {}): Promise<RtpSession> {
    if (this.closed) throw new Fault('the media engine is closed', false);
    const { bindAddress, bindAddress6, portRange, clock, logger } = this.options;
    const bound = family === 6 && bindAddress6 !== undefined ? bindAddress6 : bindAddress;
    const sockets = await bindRtpSockets(bound, this.ports, clock.monotonicMs(), portRange !== undefined);
    const session = new RtpSession({ address: isWildcard(bound) || bound === bindAddress ? this.address : bound, port: sockets.port }, sockets, {
      clock, logger: logger.child({ rtp_port: sockets.port }), limits: this.limits, onClosed: (closed) => this.forget(closed),
    });
    this.sessions.add(session);
    this.wheel.add(session, clock.monotonicMs());
    if (this.closed) await session.close();
    else if (!this.cancelTimer) this.schedule();
    return session;
  }

  /** How well time was kept since the start. */
  pacing(): PacingReport { return this.wheel.report(); }

  /** Closes every session; resolves when their recordings are complete. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.sessions].map((session) => session.close()));
  }

  private forget(session: RtpSession): void {
    this.sessions.delete(session);
    this.wheel.remove(session);
    this.ports.giveBack(session.port, this.options.clock.monotonicMs());
    if (this.sessions.size > 0) return;
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private schedule(): void {
    const { clock } = this.options;
    const deadlineMs = this.wheel.nextDeadlineMs();
    if (deadlineMs === null) {
      this.cancelTimer = null;
      return;
    }
    this.cancelTimer = clock.after(Math.max(1, deadlineMs - clock.monotonicMs()), () => {
      // After a stall the sockets hold packets that arrived in time: let them be read before playout looks for them.
      if (clock.monotonicMs() - deadlineMs > FRAME_MS) this.cancelTimer = clock.after(0, () => this.turn());
      else this.turn();
    });
  }

  private turn(): void {
    this.wheel.run(this.options.clock.monotonicMs(), (session, deadlineMs) => session.tick(deadlineMs));
    this.schedule();
  }
}
