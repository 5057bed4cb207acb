import { seededRandom } from '@dialfleet/kit';
import type { FlowListener, OpenSocket, SipSocket } from './sip-socket.js';

/**
 * Datagram loss for tests: the share of messages that vanish, and the seed that makes it repeatable. Each call has a row of
 * luck of its own, by the user parts of its From and To, so that what it loses does not hang on how calls happen to mix.
 */
export interface LossOptions { inRatio: number; outRatio: number; seed: number }

/** Opens sockets that lose messages in both directions as `loss` says. */
export function lossy(open: OpenSocket, loss: LossOptions): OpenSocket {
  const rows = new Map<string, () => number>();
  const lost = (text: string, direction: 'in' | 'out', ratio: number): boolean => {
    const row = `${direction} ${partiesOf(text)}`;
    const random = rows.get(row) ?? seededRandom(hash(`${loss.seed} ${row}`));
    rows.set(row, random);
    return random() < ratio;
  };
  return async (options, listener) => {
    const droppingListener: FlowListener = {
      ...listener,
      onMessage: (text, source) => { if (!lost(text, 'in', loss.inRatio)) listener.onMessage(text, source); },
    };
    const socket = await open(options, droppingListener);
    const dropping: SipSocket = {
      transport: socket.transport, port: socket.port, connect: socket.connect?.bind(socket), suspect: socket.suspect?.bind(socket),
      use: (to, use) => socket.use(to, use),
      send: (text, to) => (lost(text, 'out', loss.outRatio) ? Promise.resolve() : socket.send(text, to)),
      close: () => socket.close(),
    };
    return dropping;
  };
}

const partiesOf = (text: string): string =>
  [...text.matchAll(/^(?:From|To):[^\r\n]*?sips?:([^@>;\r\n]*)/gim)].map((match) => match[1]).sort().join(' ');

/** FNV-1a */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}
