import type { Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { silentLogger, type VirtualClock } from '@dialfleet/kit';
import { FRAME_MS, type MediaSource, type NetworkImpairment } from '@dialfleet/media';
import { RtpSession } from './rtp-session.js';
import type { RtpSockets } from './rtp-sockets.js';
import type { SilenceLimits } from './silence-watch.js';

export interface WireDatagram { from: MediaSource; to: MediaSource; bytes: Buffer }

const LIMITS: SilenceLimits = { firstPacketTimeoutMs: 30_000, mediaTimeoutMs: 15_000 };
const DELAY_MS = 5;

/** For tests: RTP sessions on a network and a clock that exist in memory only. */
export class VirtualWire {
  /** Everything that was sent, lost or not. */
  readonly log: WireDatagram[] = [];
  delayMs = DELAY_MS;
  /** What becomes of RTP (not of RTCP); null: all arrives. */
  impairment: NetworkImpairment | null = null;
  private readonly sockets = new Map<string, EventEmitter>();
  private readonly sessions = new Set<RtpSession>();
  private nextPort = 10_000;

  constructor(readonly clock: VirtualClock) {}

  open({ address = '192.0.2.1', limits = LIMITS, random = () => 0.5 } = {}): RtpSession {
    const port = this.nextPort;
    this.nextPort += 2;
    const sockets: RtpSockets = { rtp: this.socket({ address, port }), rtcp: this.socket({ address, port: port + 1 }), port };
    const session = new RtpSession({ address, port }, sockets, { clock: this.clock, logger: silentLogger, limits, random, onClosed: (closed) => { this.sessions.delete(closed); } });
    this.sessions.add(session);
    return session;
  }

  /** Lets a datagram arrive at once, from wherever it claims to come. */
  inject(from: MediaSource, to: MediaSource, bytes: Uint8Array): void {
    this.sockets.get(keyOf(to))?.emit('message', Buffer.from(bytes), from);
  }

  /** Lets time pass, with a playout period of every session each 20 ms. */
  run(ms: number): void {
    for (let left = ms; left > 0; left -= FRAME_MS) {
      for (const session of this.sessions) session.tick(this.clock.monotonicMs());
      this.clock.advance(FRAME_MS);
    }
  }

  private socket(at: MediaSource): Socket {
    const socket = new EventEmitter();
    this.sockets.set(keyOf(at), socket);
    const send = (bytes: Buffer, ...rest: (number | string)[]): void => {
      const [from, length, port, address] = rest.length === 4 ? rest as [number, number, number, string] : [0, bytes.length, ...rest as [number, string]];
      this.carry({ from: at, to: { address, port }, bytes: Buffer.from(bytes.subarray(from, from + length)) });
    };
    const close = (closed?: () => void): void => {
      this.sockets.delete(keyOf(at));
      closed?.();
    };
    return Object.assign(socket, { send, close }) as unknown as Socket;
  }

  private carry(datagram: WireDatagram): void {
    this.log.push(datagram);
    const isRtp = datagram.to.port % 2 === 0;
    const fates = isRtp && this.impairment ? this.impairment.fate() : [0];
    for (const lateMs of fates) {
      this.clock.after(this.delayMs + lateMs, () => this.inject(datagram.from, datagram.to, datagram.bytes));
    }
  }
}

const keyOf = ({ address, port }: MediaSource): string => `${address}:${port}`;
