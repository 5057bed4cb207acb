import type { SipTransportName } from '@dialfleet/call';
import { errorMessage, type Clock } from '@dialfleet/kit';
import type { ConnectionKind } from './connection.js';
import { ConnectionPool } from './connection-pool.js';
import { lossy, type LossOptions } from './lossy-socket.js';
import { protocolOf, type FlowListener, type OpenSocket, type SocketOptions } from './sip-socket.js';
import { tcpKind } from './tcp-transport.js';
import type { ServerTls } from '../locate/sip-target.js';
import { tlsKind } from './tls-transport.js';
import type { TransportLayer } from './transport-layer.js';
import { openUdpSocket } from './udp-transport.js';
import { webSocketKind } from './ws-transport.js';

const connections = (kindOf: (options: SocketOptions) => ConnectionKind): OpenSocket => async (options, listener) => {
  const pool = new ConnectionPool(kindOf(options), options.clock, listener);
  if (options.port !== undefined) await pool.listen(options.bindAddress, options.port);
  return pool;
};

const openSocketOf: Record<SipTransportName, OpenSocket> = {
  udp: openUdpSocket,
  tcp: connections(({ bindAddress }) => tcpKind(bindAddress)),
  tls: connections(({ bindAddress, tls }) => tlsKind(bindAddress, tls)),
  ws: connections(({ bindAddress }) => webSocketKind('ws', bindAddress)),
  wss: connections(({ bindAddress, tls }) => webSocketKind('wss', bindAddress, tls)),
};

export interface SocketSetOptions {
  transports: readonly SipTransportName[];
  bindAddress: string;
  /** Of UDP and TCP; 0: any free one, the same for both. */
  port: number;
  /** Others listen where a port is given; without one they only connect. */
  listen?: Partial<Record<SipTransportName, number>>;
  tls?: ServerTls;
  loss?: LossOptions;
  clock: Clock;
}

const PORT_ATTEMPTS = 10;

/** A port cannot be listened at; `code` is the system's. */
export class SipPortError extends Error {
  readonly code: string | undefined;

  constructor(readonly transport: SipTransportName, readonly port: number | undefined, cause: unknown) {
    super(`SIP over ${protocolOf[transport]}: ${errorMessage(cause)}`, { cause });
    this.code = (cause as NodeJS.ErrnoException).code;
  }
}

/** Opens the sockets, all or none. Of any free port for UDP the number may be taken for TCP: then another is tried. */
export async function openSockets(layer: TransportLayer, options: SocketSetOptions, listener: FlowListener, attempt = 1): Promise<void> {
  const { transports, bindAddress, loss, tls, clock } = options;
  try {
    for (const name of transports) {
      const open = loss ? lossy(openSocketOf[name], loss) : openSocketOf[name];
      const port = portFor(name, layer, options);
      layer.attach(await open({ bindAddress, clock, tls, port }, listener).catch((error: unknown) => { throw new SipPortError(name, port, error); }));
    }
  } catch (error) {
    await layer.closeSockets();
    if (options.port === 0 && attempt < PORT_ATTEMPTS && (error as SipPortError).code === 'EADDRINUSE') return openSockets(layer, options, listener, attempt + 1);
    throw error;
  }
}

function portFor(name: SipTransportName, layer: TransportLayer, { port, listen = {} }: SocketSetOptions): number | undefined {
  if (name !== 'udp' && name !== 'tcp') return listen[name];
  return layer.portOf(name === 'udp' ? 'tcp' : 'udp') ?? port;
}
