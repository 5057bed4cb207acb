import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** The first IPv4 address that is not loopback, else 127.0.0.1. */
export const primaryAddress = (): string =>
  Object.values(networkInterfaces()).flat().find((address) => address?.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.1';

/** Whether sockets can be bound to it; an address announced through a NAT cannot. */
export const isLocalAddress = (address: string): boolean =>
  Object.values(networkInterfaces()).flat().some((local) => local?.address === address);

/** The local address from which packets to `host` leave: asks the routing table by connecting a UDP socket; nothing is sent. */
export function localAddressTowards(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const fail = (error: Error): void => { socket.close(); reject(error); };
    socket.once('error', fail);
    // A host that does not resolve comes as the callback's argument, which the types leave out.
    const connected = (error?: Error | null): void => {
      if (error) { fail(error); return; }
      const { address } = socket.address();
      socket.close();
      resolve(address);
    };
    socket.connect(port, host, connected);
  });
}
