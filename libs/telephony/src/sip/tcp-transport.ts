import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Hop, SipSocket, SocketListener } from './sip-socket.js';
import { StreamFramer } from './stream-framer.js';
import type { Peer } from './wire.js';

const CONNECT_TIMEOUT_MS = 5_000;
/** A peer that opens connections without end is turned away before it eats our descriptors. */
const MAX_CONNECTIONS = 2_048;

/** A TCP listener and the connections through which requests and responses travel, in either direction (RFC 3261 §18). */
export async function openTcpSocket(bindAddress: string, port: number, listener: SocketListener): Promise<SipSocket> {
  const server = createServer({ noDelay: true });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, bindAddress, () => { server.off('error', reject); resolve(); });
  });
  return new TcpSocket(server, listener);
}

class TcpSocket implements SipSocket {
  readonly transport = 'tcp';
  readonly port: number;
  private readonly byFlow = new Map<string, Socket>();
  /** The connection to an address; while it is being opened, the promise of it. */
  private readonly byAddress = new Map<string, Promise<Socket>>();
  private nextFlow = 1;
  private closed = false;

  constructor(private readonly server: Server, private readonly listener: SocketListener) {
    this.port = (server.address() as { port: number }).port;
    server.on('error', (error) => listener.onError(error));
    server.on('connection', (socket) => {
      const address = addressKey({ address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 });
      this.byAddress.set(address, Promise.resolve(socket));
      this.adopt(socket, address);
    });
  }

  async send(text: string, to: Hop): Promise<void> {
    if (this.closed) throw new Error('the SIP socket is closed');
    const flow = to.flow === undefined ? undefined : this.byFlow.get(to.flow);
    await write(flow ?? await this.connection(to), text);
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const socket of this.byFlow.values()) socket.destroy();
    await new Promise<void>((resolve) => { this.server.close(() => resolve()); });
  }

  private connection(to: Peer): Promise<Socket> {
    const address = addressKey(to);
    const known = this.byAddress.get(address);
    if (known) return known;
    const opening = this.open(to, address);
    this.byAddress.set(address, opening);
    opening.catch(() => this.byAddress.delete(address));
    return opening;
  }

  private open(to: Peer, address: string): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: to.address, port: to.port, noDelay: true, timeout: CONNECT_TIMEOUT_MS });
      this.adopt(socket, address);
      socket.once('timeout', () => socket.destroy(new Error(`no TCP connection to ${address} within ${CONNECT_TIMEOUT_MS} ms`)));
      socket.once('connect', () => { socket.setTimeout(0); resolve(socket); });
      socket.once('error', reject);
      socket.once('close', () => reject(new Error(`TCP connection to ${address} closed`)));
    });
  }

  /** Reads SIP from a connection until it closes. */
  private adopt(socket: Socket, address: string): void {
    const flow = `tcp${this.nextFlow++}`;
    const source = (): Peer => ({ address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0, transport: 'tcp', flow });
    const framer = new StreamFramer({
      onMessage: (text) => this.listener.onMessage(text, source()),
      onKeepAlive: () => { socket.write('\r\n'); },
    });
    this.byFlow.set(flow, socket);
    socket.on('data', (chunk) => {
      try { framer.push(chunk); } catch (error) {
        this.listener.onRefused((error as Error).message, source());
        socket.destroy();
      }
    });
    socket.on('error', () => undefined); // 'close' follows, and whoever is sending learns of it there
    socket.on('close', () => {
      this.byFlow.delete(flow);
      this.byAddress.delete(address);
    });
  }
}

const addressKey = (peer: Peer): string => `${peer.address} ${peer.port}`;

const write = (socket: Socket, text: string): Promise<void> =>
  new Promise((resolve, reject) => { socket.write(text, (error) => { if (error) reject(error); else resolve(); }); });
