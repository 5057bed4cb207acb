import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ImpairmentOptions, NetworkImpairment } from '@dialfleet/media';

/** A bad network between two media ports on loopback: each side sends to its own port of the relay. */
export interface ImpairedRelay {
  /** Where `a` sends to, and what it hears `b` from; and the other way round. */
  portForA: number;
  portForB: number;
  connect(ends: { a: number; b: number }): void;
  /** Packets that came in, either way, and those that did not go out. */
  counts: { packets: number; lost: number };
  close(): void;
}

const HOST = '127.0.0.1';

export async function impairedRelay(impairment: ImpairmentOptions): Promise<ImpairedRelay> {
  const [forA, forB] = [await bound(), await bound()];
  const ends = { a: 0, b: 0 };
  const counts = { packets: 0, lost: 0 };
  const timers = new Set<NodeJS.Timeout>();
  const forward = (from: Socket, to: Socket, port: () => number, fate: NetworkImpairment): void => {
    from.on('message', (bytes) => {
      const delays = fate.fate();
      counts.packets++;
      if (delays.length === 0) counts.lost++;
      for (const delayMs of delays) {
        const timer = setTimeout(() => {
          timers.delete(timer);
          to.send(bytes, port(), HOST);
        }, delayMs);
        timers.add(timer);
      }
    });
  };
  forward(forA, forB, () => ends.b, new NetworkImpairment(impairment));
  forward(forB, forA, () => ends.a, new NetworkImpairment({ ...impairment, seed: impairment.seed + 1 }));
  return {
    portForA: portOf(forA), portForB: portOf(forB), counts,
    connect: ({ a, b }) => { Object.assign(ends, { a, b }); },
    close: () => {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of [forA, forB]) socket.close();
    },
  };
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}

const portOf = (socket: Socket): number => (socket.address() as AddressInfo).port;
