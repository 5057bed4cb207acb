import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';

/** A trunk that takes every datagram and answers none. */
export interface SilentTrunk { port: number; datagrams: string[]; stop(): Promise<void> }

export async function startSilentTrunk(): Promise<SilentTrunk> {
  const socket = createSocket('udp4');
  const datagrams: string[] = [];
  socket.on('message', (datagram) => { datagrams.push(datagram.toString('latin1')); });
  await new Promise<void>((resolve, reject) => { socket.once('error', reject); socket.bind(0, '127.0.0.1', resolve); });
  return { port: socket.address().port, datagrams, stop: () => new Promise((resolve) => { socket.close(() => { resolve(); }); }) };
}

/** A TCP port where nobody listens: free a moment ago. */
export async function closedTcpPort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => { server.listen(0, '127.0.0.1', () => { resolve((server.address() as AddressInfo).port); }); });
  await new Promise<void>((resolve) => { server.close(() => { resolve(); }); });
  return port;
}
