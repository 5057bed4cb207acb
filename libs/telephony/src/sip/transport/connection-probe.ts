import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { errorMessage, type Clock } from '@dialfleet/kit';
import type { SipTarget } from '../locate/sip-target.js';
import { identityFault, tlsClientOptions, tlsFault, verifiedNameOf } from './tls-context.js';

export type TcpProbe = { connected: true; afterMs: number } | { connected: false; reason: string };

/** Whether anybody takes a TCP connection there; it is closed at once. Never rejects. */
export function probeTcp({ address, port }: SipTarget, timeoutMs: number, clock: Clock): Promise<TcpProbe> {
  const startedMs = clock.monotonicMs();
  return new Promise((resolve) => {
    const socket = connectTcp({ host: address, port });
    const cancel = clock.after(timeoutMs, () => { end({ connected: false, reason: `no answer within ${timeoutMs / 1000} s` }); });
    const end = (outcome: TcpProbe): void => { cancel(); socket.destroy(); resolve(outcome); };
    socket.once('connect', () => { end({ connected: true, afterMs: clock.monotonicMs() - startedMs }); });
    socket.once('error', (error: NodeJS.ErrnoException) => { end({ connected: false, reason: error.code ?? error.message }); });
  });
}

export interface CertificateFacts {
  subject: string;
  issuer: string;
  /** Unix ms. */
  validUntilMs: number;
}

export interface TlsProbe {
  /** `TLSv1.3`; undefined when no handshake came about. */
  protocol: string | undefined;
  /** The name that the certificate must be for. */
  name: string;
  /** The server's own first. */
  chain: CertificateFacts[];
  /** In plain words; undefined when everything is as it must be. */
  fault: string | undefined;
}

/** What a TLS server shows, and whether we would talk to it: verified as calls are, but told in full. Never rejects. */
export function probeTls(target: SipTarget, timeoutMs: number, clock: Clock): Promise<TlsProbe> {
  const name = verifiedNameOf(target);
  const failed = (fault: string): TlsProbe => ({ protocol: undefined, name, chain: [], fault });
  return new Promise((resolve) => {
    let socket: TLSSocket;
    try {
      socket = connectTls({ ...tlsClientOptions(target), host: target.address, port: target.port, rejectUnauthorized: false });
    } catch (error) {
      resolve(failed(errorMessage(error)));
      return;
    }
    const end = (outcome: TlsProbe): void => { cancel(); socket.destroy(); resolve(outcome); };
    const cancel = clock.after(timeoutMs, () => { end(failed(`no TLS handshake within ${timeoutMs / 1000} s`)); });
    socket.once('error', (error) => { end(failed(tlsFault(error).message)); });
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate(true);
      // TLS 1.3: a server that wants a client certificate says so only after the handshake.
      clock.after(AFTER_HANDSHAKE_MS, () => { end({ protocol: socket.getProtocol() ?? undefined, name, chain: chainOf(certificate), fault: faultOf(socket, name, certificate) }); });
    });
  });
}

const AFTER_HANDSHAKE_MS = 100;
const MAX_CHAIN = 8;

function faultOf(socket: TLSSocket, name: string, certificate: PeerCertificate): string | undefined {
  const untrusted = socket.authorizationError as unknown;
  if (untrusted) return tlsFault(Object.assign(new Error(String(untrusted)), { code: codeOf(untrusted) })).message;
  return identityFault(name, certificate)?.message;
}

const codeOf = (error: unknown): string => (error instanceof Error ? (error as NodeJS.ErrnoException).code ?? error.message : String(error));

function chainOf(leaf: ReturnType<TLSSocket['getPeerCertificate']>): CertificateFacts[] {
  const chain: CertificateFacts[] = [];
  const seen = new Set<string>();
  for (let next: typeof leaf & { issuerCertificate?: typeof leaf } | undefined = leaf; next?.fingerprint256 && !seen.has(next.fingerprint256) && chain.length < MAX_CHAIN; next = next.issuerCertificate) {
    seen.add(next.fingerprint256);
    chain.push({ subject: nameOf(next.subject), issuer: nameOf(next.issuer), validUntilMs: Date.parse(next.valid_to) });
  }
  return chain;
}

type DistinguishedName = PeerCertificate['subject'] | undefined;
const nameOf = (name: DistinguishedName): string => String(name?.CN ?? name?.O ?? 'nobody').replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
