import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '@dialfleet/kit';
import { T1_MS } from './retransmitter.js';
import type { Hop } from './sip-socket.js';

/** RFC 5626 §3.5.1: no SIP element answers it. */
const KEEP_ALIVE = '\r\n\r\n';
const MAX_PROBES = 32;
/** A path that refuses once may have lost its listener for a moment. */
const REFUSALS_NEEDED = 2;
/** A refusal that is not read before the next send is told by that instead: two sends may give one. */
const AGAIN_MS = [T1_MS, 2 * T1_MS];
const PROBE_MS = 4 * T1_MS;

/**
 * Finds out whether anybody listens where a datagram went unanswered. The system reports an ICMP "port unreachable" only
 * to a connected socket, and that of an endpoint is not: it serves all peers. So a second, connected socket sends three
 * keep-alives; when two are refused, `onRefused` is told. Hosts that are silent or filtered stay unknown.
 */
export class UdpProbe {
  private readonly running = new Map<string, () => void>();

  constructor(private readonly clock: Clock, private readonly onRefused: (address: string, port: number) => void) {}

  start({ address, port }: Pick<Hop, 'address' | 'port'>): void {
    const key = `${address} ${port}`;
    if (this.running.has(key) || this.running.size >= MAX_PROBES) return;
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const timers: (() => void)[] = [];
    // By then another probe of the same place may run: what comes late for this one must touch neither.
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      for (const cancel of timers) cancel();
      this.running.delete(key);
      socket.close();
    };
    this.running.set(key, end);
    let refusals = 0;
    const refused = (error: NodeJS.ErrnoException | null): void => {
      if (error?.code !== 'ECONNREFUSED' || ended || ++refusals < REFUSALS_NEEDED) return;
      end();
      this.onRefused(address, port);
    };
    socket.on('error', refused);
    socket.connect(port, address, () => {
      if (ended) return;
      sendTo(socket, refused);
      for (const afterMs of AGAIN_MS) timers.push(this.clock.after(afterMs, () => sendTo(socket, refused)));
      timers.push(this.clock.after(PROBE_MS, end));
    });
  }

  close(): void { for (const end of [...this.running.values()]) end(); }
}

function sendTo(socket: Socket, failed: (error: NodeJS.ErrnoException | null) => void): void {
  socket.send(KEEP_ALIVE, failed);
}
