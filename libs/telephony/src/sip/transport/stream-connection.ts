import type { Socket } from 'node:net';
import { plainAddress, type Connection, type ConnectionEvents } from './connection.js';
import { StreamFramer } from './stream-framer.js';

/** More than this unsent means that the far end has stopped reading. */
const MAX_UNSENT_BYTES = 1 << 20;
const TCP_KEEP_ALIVE_MS = 60_000;

/** SIP over a connected TCP or TLS socket (RFC 3261 §18.3). */
export function streamConnection(socket: Socket, events: ConnectionEvents): Connection {
  let failure: Error | undefined;
  const connection: Connection = {
    remote: { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 },
    localPort: socket.localPort ?? 0,
    alwaysPongs: false,
    send: (text) => write(socket, text),
    ping: () => { socket.write('\r\n\r\n'); },
    destroy: (reason) => { failure ??= reason; socket.destroy(); },
  };
  const framer = new StreamFramer({
    onMessage: (text) => events.onMessage(text),
    onKeepAlive: () => { if (events.onAlive()) socket.write('\r\n'); },
    onPong: () => events.onPong(),
  });
  socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
  socket.setNoDelay(true);
  socket.on('data', (chunk) => {
    try { framer.push(chunk); } catch (error) {
      events.onRefused((error as Error).message);
      socket.destroy();
    }
  });
  socket.on('error', (error) => { failure ??= error; });
  socket.on('close', () => events.onClosed(failure));
  if (socket.destroyed) queueMicrotask(() => events.onClosed(failure));
  return connection;
}

function write(socket: Socket, text: string): Promise<void> {
  if (socket.writableLength > MAX_UNSENT_BYTES) socket.destroy(new Error('the far end does not read what is sent'));
  return new Promise((resolve, reject) => { socket.write(text, (error) => { if (error) reject(error); else resolve(); }); });
}
