import { createSocket, type Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import type { Clock } from '@dialfleet/kit';
import { plainAddress } from './connection.js';
import type { FlowListener, FlowUse, Hop, SipSocket, SocketOptions } from './sip-socket.js';
import { MAX_MESSAGE_BYTES, type Peer } from '../message/wire.js';

const SOCKET_BUFFER_BYTES = 4 << 20;
/** Shorter datagrams are keep-alives (RFC 5626 §3.5.1) or noise. */
const MIN_MESSAGE_BYTES = 20;
const KEEP_ALIVE = '\r\n\r\n';

/** One UDP socket for every call of an endpoint. Bound to `::` it speaks IPv4 too. */
export async function openUdpSocket({ bindAddress, port = 0, clock }: SocketOptions, listener: FlowListener): Promise<SipSocket> {
  const isV6 = isIPv6(bindAddress);
  const socket = createSocket({
    type: isV6 ? 'udp6' : 'udp4', recvBufferSize: SOCKET_BUFFER_BYTES, sendBufferSize: SOCKET_BUFFER_BYTES,
    // Destinations are IP addresses already; the default look-up would cost each send a turn of the event loop.
    lookup: (hostname, _options, done) => done(null, hostname, isV6 ? 6 : 4),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, bindAddress, () => { socket.off('error', reject); resolve(); });
  });
  socket.on('error', (error) => listener.onError(error));
  socket.on('message', (datagram, { address, port: sourcePort }) => {
    const source: Peer = { address: isV6 ? plainAddress(address) : address, port: sourcePort, transport: 'udp' };
    if (datagram.length < MIN_MESSAGE_BYTES) return;
    if (datagram.length > MAX_MESSAGE_BYTES) listener.onRefused(`datagram of ${datagram.length} bytes`, source);
    else listener.onMessage(datagram.toString('utf8'), source);
  });
  return new UdpSocket(socket, isV6, clock);
}

/** Who wants a way kept open through the NATs and firewalls on it, and until when it is left alone. */
interface KeptWay { users: Set<FlowUse>; cancel: () => void }

class UdpSocket implements SipSocket {
  readonly transport = 'udp';
  readonly port: number;
  private readonly kept = new Map<string, KeptWay>();
  private closed = false;

  constructor(private readonly socket: Socket, private readonly isV6: boolean, private readonly clock: Clock) { this.port = socket.address().port; }

  send(text: string, to: Hop): Promise<void> {
    if (this.closed) return Promise.reject(new Error('the SIP socket is closed'));
    const address = this.isV6 && isIPv4(to.address) ? `::ffff:${to.address}` : to.address;
    return new Promise((resolve, reject) => {
      this.socket.send(text, to.port, address, (error) => { if (error) reject(error); else resolve(); });
    });
  }

  use(to: Hop, use: FlowUse): () => void {
    if (use.keepAliveMs <= 0) return () => undefined;
    const key = `${to.address} ${to.port}`;
    const way = this.kept.get(key) ?? { users: new Set(), cancel: () => undefined };
    this.kept.set(key, way);
    way.users.add(use);
    if (way.users.size === 1) this.keepAlive(to, way);
    return () => {
      way.users.delete(use);
      if (way.users.size > 0 || this.kept.get(key) !== way) return;
      way.cancel();
      this.kept.delete(key);
    };
  }

  close(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.closed = true;
    for (const { cancel } of this.kept.values()) cancel();
    return new Promise((resolve) => { this.socket.close(() => resolve()); });
  }

  private keepAlive(to: Hop, way: KeptWay): void {
    const keepAliveMs = Math.min(...[...way.users].map((use) => use.keepAliveMs));
    way.cancel = this.clock.after(keepAliveMs, () => {
      this.send(KEEP_ALIVE, to).catch(() => undefined);
      this.keepAlive(to, way);
    });
  }
}
