import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Hop, SipSocket, SocketListener } from './sip-socket.js';
import { MAX_MESSAGE_BYTES, type Peer } from './wire.js';

const SOCKET_BUFFER_BYTES = 4 << 20;
/** Shorter datagrams are keep-alives (RFC 5626 §3.5.1) or noise. */
const MIN_MESSAGE_BYTES = 20;

/** One UDP socket for every call of an endpoint. */
export async function openUdpSocket(bindAddress: string, port: number, listener: SocketListener): Promise<SipSocket> {
  const socket = createSocket({
    type: isIPv6(bindAddress) ? 'udp6' : 'udp4', recvBufferSize: SOCKET_BUFFER_BYTES, sendBufferSize: SOCKET_BUFFER_BYTES,
    // Destinations are IP addresses already; the default look-up would cost each send a turn of the event loop.
    lookup: (hostname, _options, done) => done(null, hostname, isIPv6(hostname) ? 6 : 4),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, bindAddress, () => { socket.off('error', reject); resolve(); });
  });
  socket.on('error', (error) => listener.onError(error));
  socket.on('message', (datagram, { address, port: sourcePort }) => {
    const source: Peer = { address, port: sourcePort, transport: 'udp' };
    if (datagram.length < MIN_MESSAGE_BYTES) return;
    if (datagram.length > MAX_MESSAGE_BYTES) listener.onRefused(`datagram of ${datagram.length} bytes`, source);
    else listener.onMessage(datagram.toString('utf8'), source);
  });
  return new UdpSocket(socket);
}

class UdpSocket implements SipSocket {
  readonly transport = 'udp';
  readonly port: number;
  private closed = false;

  constructor(private readonly socket: Socket) { this.port = socket.address().port; }

  send(text: string, to: Hop): Promise<void> {
    if (this.closed) return Promise.reject(new Error('the SIP socket is closed'));
    return new Promise((resolve, reject) => {
      this.socket.send(text, to.port, to.address, (error) => { if (error) reject(error); else resolve(); });
    });
  }

  close(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.closed = true;
    return new Promise((resolve) => { this.socket.close(() => resolve()); });
  }
}
