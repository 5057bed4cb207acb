import { seededRandom } from '@dialfleet/kit';
import type { OpenSocket, SipSocket, SocketListener } from './sip-socket.js';

/** Datagram loss for tests: the share of messages that vanish, and the seed that makes it repeatable. */
export interface LossOptions { inRatio: number; outRatio: number; seed: number }

/** Opens sockets that lose messages in both directions as `loss` says. */
export function lossy(open: OpenSocket, loss: LossOptions): OpenSocket {
  const random = seededRandom(loss.seed);
  return async (bindAddress, port, listener) => {
    const droppingListener: SocketListener = {
      onMessage: (text, source) => { if (random() >= loss.inRatio) listener.onMessage(text, source); },
      onRefused: (reason, source) => listener.onRefused(reason, source),
      onError: (error) => listener.onError(error),
    };
    const socket = await open(bindAddress, port, droppingListener);
    const dropping: SipSocket = {
      transport: socket.transport, port: socket.port, connect: socket.connect?.bind(socket),
      send: (text, to) => (random() < loss.outRatio ? Promise.resolve() : socket.send(text, to)),
      close: () => socket.close(),
    };
    return dropping;
  };
}
