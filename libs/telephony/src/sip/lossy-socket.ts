import { seededRandom } from '@dialfleet/kit';
import type { FlowListener, OpenSocket, SipSocket } from './sip-socket.js';

/** Datagram loss for tests: the share of messages that vanish, and the seed that makes it repeatable. */
export interface LossOptions { inRatio: number; outRatio: number; seed: number }

/** Opens sockets that lose messages in both directions as `loss` says. */
export function lossy(open: OpenSocket, loss: LossOptions): OpenSocket {
  const random = seededRandom(loss.seed);
  return async (options, listener) => {
    const droppingListener: FlowListener = {
      ...listener,
      onMessage: (text, source) => { if (random() >= loss.inRatio) listener.onMessage(text, source); },
    };
    const socket = await open(options, droppingListener);
    const dropping: SipSocket = {
      transport: socket.transport, port: socket.port, connect: socket.connect?.bind(socket), suspect: socket.suspect?.bind(socket),
      use: (to, use) => socket.use(to, use),
      send: (text, to) => (random() < loss.outRatio ? Promise.resolve() : socket.send(text, to)),
      close: () => socket.close(),
    };
    return dropping;
  };
}
