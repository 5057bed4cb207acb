import { createSocket, type Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import { Fault } from '@dialfleet/kit';
import type { MediaSource } from '@dialfleet/media';
import type { PortPool } from './port-pool.js';

/** A bound RTP socket and its RTCP neighbour. */
export interface RtpSockets { rtp: Socket; rtcp: Socket; port: number }

/** Hands on each datagram with its source as descriptions write it. */
export function onDatagram(socket: Socket, listener: (datagram: Buffer, source: MediaSource) => void): void {
  socket.on('message', (datagram, source) => {
    if (source.address.startsWith(MAPPED)) listener(datagram, { address: source.address.slice(MAPPED.length), port: source.port });
    else listener(datagram, source);
  });
}

/** How the system writes an IPv4 source on an IPv6 socket. */
const MAPPED = '::ffff:';

/** Tries at an even port when the operating system picks. */
const ANY_PORT_ATTEMPTS = 64;

/** No pair of RTP ports could be had. */
export class NoRtpPortError extends Fault {}

/**
 * Binds an even port and the odd one above it.
 * @throws NoRtpPortError when no port is free; the system's error when the address cannot be bound at all.
 */
export async function bindRtpSockets(address: string, pool: PortPool, nowMs: number, hasRange: boolean): Promise<RtpSockets> {
  if (!hasRange) return bindAnyPair(address, pool, nowMs);
  for (const port of pool.candidates(nowMs)) {
    // Claimed before the first await: another session must not try the same port meanwhile.
    pool.take(port);
    const sockets = await bindPair(address, port).catch((error: unknown) => {
      pool.giveBack(port, nowMs);
      throw error;
    });
    if (sockets) return sockets;
    pool.giveBack(port, nowMs);
  }
  throw new NoRtpPortError('no free port in the RTP port range', true);
}

async function bindAnyPair(address: string, pool: PortPool, nowMs: number): Promise<RtpSockets> {
  for (let attempt = 0; attempt < ANY_PORT_ATTEMPTS; attempt++) {
    const rtp = await bind(address, 0);
    if (!rtp) continue;
    const { port } = rtp.address();
    if (port % 2 !== 0 || !pool.isFree(port, nowMs)) {
      rtp.close();
      continue;
    }
    const pair = await withRtcp(rtp, address, port);
    if (!pair) continue;
    pool.take(port);
    return pair;
  }
  throw new NoRtpPortError('the system offers no pair of free UDP ports', true);
}

/** `null`: one of the two is taken by another program. */
async function bindPair(address: string, port: number): Promise<RtpSockets | null> {
  const rtp = await bind(address, port);
  return rtp && withRtcp(rtp, address, port);
}

/** Adds the RTCP socket; closes the RTP socket when that fails. */
async function withRtcp(rtp: Socket, address: string, port: number): Promise<RtpSockets | null> {
  try {
    const rtcp = await bind(address, port + 1);
    if (rtcp) return { rtp, rtcp, port };
  } catch (error) {
    rtp.close();
    throw error;
  }
  rtp.close();
  return null;
}

function bind(address: string, port: number): Promise<Socket | null> {
  const family = isIPv6(address) ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    // Destinations are always literal addresses; without this each send waits a tick for the resolver.
    // An IPv6 wildcard socket reaches IPv4 by mapped addresses (RFC 4291 §2.5.5.2).
    lookup: (hostname, _options, callback) => callback(null, family === 6 && isIPv4(hostname) ? `${MAPPED}${hostname}` : hostname, family),
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null); else reject(error);
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      // A later error concerns one datagram (port unreachable, no route): packets may be lost, sockets stay.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}
