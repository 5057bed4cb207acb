import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { isIP, isIPv6, type LookupFunction, type Socket } from 'node:net';
import { WebSocket, WebSocketServer, type ClientOptions } from 'ws';
import { CONNECT_TIMEOUT_MS, localAddressOf, MAX_CONNECTIONS, plainAddress, type Connection, type ConnectionEvents, type ConnectionKind } from './connection.js';
import { isSecure, type Hop } from './sip-socket.js';
import type { ServerTls } from '../locate/sip-target.js';
import { listenOn, sourceOf } from './tcp-transport.js';
import { tlsClientOptions, tlsFault, tlsIdentity } from './tls-context.js';
import { serverTlsOptions } from './tls-transport.js';
import { MAX_MESSAGE_BYTES } from '../message/wire.js';

/** RFC 7118 §4 */
const SUBPROTOCOL = 'sip';
const MAX_UNSENT_BYTES = 1 << 20;
const common = { perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES, followRedirects: false } as const;

/** SIP over WebSockets (RFC 7118): one message a frame. */
export const webSocketKind = (transport: 'ws' | 'wss', bindAddress: string, tls?: ServerTls): ConnectionKind => ({
  transport,
  keyOf: (to) => `${to.address} ${to.port} ${to.hostname} ${to.wsPath ?? '/'} ${isSecure(transport) ? tlsIdentity(to) : ''}`,
  dial: async (to, events) => {
    const socket = new WebSocket(urlOf(to), [SUBPROTOCOL], { ...common, handshakeTimeout: CONNECT_TIMEOUT_MS, ...connectOptions(to, bindAddress) });
    const raw = await opened(socket, to).catch((error: Error) => { throw tlsFault(error); });
    return webSocketConnection(socket, raw, events);
  },
  listen: async (address, port, onConnection) => {
    if (transport === 'wss' && !tls) throw new Error('SIP over WSS cannot listen without a certificate');
    const https = tls && transport === 'wss' ? createHttpsServer(serverTlsOptions(tls)) : undefined;
    const http: Server = https ?? createHttpServer();
    http.maxConnections = MAX_CONNECTIONS;
    http.on('request', (_request, response) => { response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' }).end(); });
    http.on('tlsClientError', () => undefined);
    const upgrader = new WebSocketServer({ ...common, noServer: true, handleProtocols: () => SUBPROTOCOL });
    http.on('upgrade', (request: IncomingMessage, raw: Socket, head: Buffer) => {
      raw.on('error', () => undefined);
      if (!offersSip(request)) { raw.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'); return; }
      upgrader.handleUpgrade(request, raw, head, (socket) => onConnection((events) => webSocketConnection(socket, raw, events), sourceOf(raw)));
    });
    return { ...await listenOn(http, port, address), renew: (renewed) => { https?.setSecureContext(serverTlsOptions(renewed)); } };
  },
});

const offersSip = (request: IncomingMessage): boolean =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').some((name) => name.trim().toLowerCase() === SUBPROTOCOL);

function urlOf({ transport, hostname, port, wsPath = '/' }: Hop): string {
  const host = isIPv6(hostname) ? `[${hostname}]` : hostname;
  return `${transport}://${host}:${port}${wsPath.startsWith('/') ? '' : '/'}${wsPath}`;
}

/** `Host` and SNI carry the name; the connection goes to the address that was found for it. */
function connectOptions(to: Hop, bindAddress: string): ClientOptions {
  const family = isIP(to.address);
  const lookup: LookupFunction = (_host, options, done) => {
    if (options.all) done(null, [{ address: to.address, family }]); else done(null, to.address, family);
  };
  // ws hands all of it on to net.connect or tls.connect.
  return { lookup, ...localAddressOf(bindAddress), ...(isSecure(to.transport) ? tlsClientOptions(to) : {}) } as ClientOptions;
}

function opened(socket: WebSocket, to: Hop): Promise<Socket> {
  const where = `${to.address} port ${to.port}`;
  return new Promise((resolve, reject) => {
    let raw: Socket | undefined;
    socket.once('upgrade', (response) => { raw = response.socket as Socket; });
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      reject(new Error(`${where} answers the WebSocket handshake with ${response.statusCode}`));
    });
    socket.on('error', reject);
    socket.once('close', () => reject(new Error(`${where} closed the connection`)));
    socket.once('open', () => {
      if (raw) resolve(raw); else reject(new Error('WebSocket without a socket'));
    });
  });
}

function webSocketConnection(socket: WebSocket, raw: Socket, events: ConnectionEvents): Connection {
  let failure: Error | undefined;
  socket.on('message', (data, isBinary) => {
    const text = (data as Buffer).toString('utf8');
    // Some clients send a CRLF for a sign of life, as on streams (RFC 7118 §6 has pings for that).
    if (/^[\r\n]*$/.test(text)) events.onAlive(); else if (isBinary || text.length > 0) events.onMessage(text);
  });
  socket.on('ping', () => events.onAlive());
  socket.on('pong', () => events.onPong());
  socket.on('error', (error) => {
    failure ??= error;
    if ((error as { code?: string }).code?.startsWith('WS_ERR')) events.onRefused(error.message);
  });
  socket.on('close', () => events.onClosed(failure));
  return {
    remote: { address: plainAddress(raw.remoteAddress), port: raw.remotePort ?? 0 }, localPort: raw.localPort ?? 0, alwaysPongs: true,
    send: (text) => {
      if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.terminate();
      return new Promise((resolve, reject) => { socket.send(text, (error) => { if (error) reject(error); else resolve(); }); });
    },
    ping: () => { socket.ping(undefined, undefined, () => undefined); },
    destroy: (reason) => { failure ??= reason; socket.terminate(); },
  };
}
