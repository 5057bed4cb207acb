import { connect, createServer, type TlsOptions } from 'node:tls';
import { localAddressOf, MAX_CONNECTIONS, type ConnectionKind } from './connection.js';
import type { ServerTls } from '../locate/sip-target.js';
import { streamConnection } from './stream-connection.js';
import { listenOn, opened, sourceOf } from './tcp-transport.js';
import { tlsClientOptions, tlsFault, tlsIdentity } from './tls-context.js';

const HANDSHAKE_TIMEOUT_MS = 10_000;

export const serverTlsOptions = ({ certificate, key, clientCa }: ServerTls): TlsOptions => ({
  cert: certificate, key, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
});

/** @param server without it the endpoint connects but does not listen */
export const tlsKind = (bindAddress: string, server?: ServerTls): ConnectionKind => ({
  transport: 'tls',
  keyOf: (to) => `${to.address} ${to.port} ${tlsIdentity(to)}`,
  dial: async (to, events) => {
    const socket = connect({ host: to.address, port: to.port, ...localAddressOf(bindAddress), ...tlsClientOptions(to) });
    await opened(socket, 'secureConnect', `${to.address} port ${to.port}`).catch((error: Error) => { throw tlsFault(error); });
    return streamConnection(socket, { ...events, onClosed: (error) => events.onClosed(error && tlsFault(error)) });
  },
  listen: async (address, port, onConnection) => {
    if (!server) throw new Error('SIP over TLS cannot listen without a certificate');
    const listener = createServer(serverTlsOptions(server));
    listener.maxConnections = MAX_CONNECTIONS;
    listener.on('secureConnection', (socket) => onConnection((events) => streamConnection(socket, events), sourceOf(socket)));
    listener.on('tlsClientError', () => undefined); // scanners, and clients that do not trust us
    return { ...await listenOn(listener, port, address), renew: (tls) => { listener.setSecureContext(serverTlsOptions(tls)); } };
  },
});
