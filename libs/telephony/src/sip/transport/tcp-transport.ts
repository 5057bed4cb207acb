import { connect, createServer, type Server, type Socket } from 'node:net';
import { CONNECT_TIMEOUT_MS, localAddressOf, MAX_CONNECTIONS, plainAddress, type ConnectionKind, type ConnectionServer } from './connection.js';
import { streamConnection } from './stream-connection.js';

export const tcpKind = (bindAddress: string): ConnectionKind => ({
  transport: 'tcp',
  keyOf: ({ address, port }) => `${address} ${port}`,
  dial: async (to, events) => {
    const socket = connect({ host: to.address, port: to.port, noDelay: true, ...localAddressOf(bindAddress) });
    await opened(socket, 'connect', `${to.address} port ${to.port}`);
    return streamConnection(socket, events);
  },
  listen: async (address, port, onConnection) => {
    const server = createServer({ noDelay: true });
    server.maxConnections = MAX_CONNECTIONS;
    server.on('connection', (socket) => onConnection((events) => streamConnection(socket, events), sourceOf(socket)));
    return listenOn(server, port, address);
  },
});

export const sourceOf = (socket: Socket): { address: string; port: number } => ({ address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 });

/** Waits for `event` of a socket that is connecting, at most CONNECT_TIMEOUT_MS. */
export function opened(socket: Socket, event: 'connect' | 'secureConnect', where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => { socket.destroy(new Error(`no connection to ${where} within ${CONNECT_TIMEOUT_MS / 1_000} s`)); }, CONNECT_TIMEOUT_MS);
    const failed = (error: Error): void => { clearTimeout(timer); reject(error); };
    const closed = (): void => failed(new Error(`${where} closed the connection`));
    socket.on('error', () => undefined); // an error between the handshake and its reader must not be uncaught
    socket.once('error', failed);
    socket.once('close', closed);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', failed);
      socket.off('close', closed);
      resolve();
    });
  });
}

export async function listenOn(server: Server, port: number, bindAddress: string): Promise<ConnectionServer> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, bindAddress, () => { server.off('error', reject); resolve(); });
  });
  server.on('error', () => undefined); // accept failed (no descriptors): that connection is lost, the listener goes on
  return {
    port: (server.address() as { port: number }).port,
    close: () => new Promise((resolve) => { server.close(() => resolve()); }),
  };
}
