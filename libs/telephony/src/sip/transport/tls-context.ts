import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type ConnectionOptions, type PeerCertificate, type SecureContext } from 'node:tls';
import type { TrunkTls } from '@dialfleet/call';
import type { Hop } from './sip-socket.js';

/** The certificate or its name is wrong, or there is no TLS to be had: said in plain words. */
export class TlsFault extends Error {}

const MAX_CONTEXTS = 64;
const contexts = new Map<string, SecureContext>();

/** The name that the server's certificate must be for (RFC 5922 §7): the SIP domain, not what its records led to. */
export const verifiedNameOf = ({ hostname, tls }: Pick<Hop, 'hostname' | 'tls'>): string => tls?.serverName ?? hostname;

/** Names what a connection was verified against and shown; never holds a private key. */
export function tlsIdentity(to: Pick<Hop, 'hostname' | 'tls'>): string {
  const { ca = '', certificate = '' } = to.tls ?? {};
  return `${verifiedNameOf(to)} ${ca || certificate ? createHash('sha256').update(`${ca}\n${certificate}`).digest('base64url') : ''}`;
}

/** Verification is always on (RFC 5922); SNI goes with names only (RFC 6066 §3). */
export function tlsClientOptions(to: Hop): ConnectionOptions {
  const name = verifiedNameOf(to);
  return {
    secureContext: contextOf(to), minVersion: 'TLSv1.2', rejectUnauthorized: true,
    ...(isIP(name) ? {} : { servername: name }),
    checkServerIdentity: (_host, certificate) => identityFault(name, certificate),
  };
}

/** What is wrong with the certificate for this name. URI entries count besides DNS and IP entries (RFC 5922 §7.1). */
export function identityFault(name: string, certificate: PeerCertificate): Error | undefined {
  const uris = (certificate.subjectaltname ?? '').split(', ').map((entry) => entry.toLowerCase());
  if (uris.includes(`uri:sip:${name.toLowerCase()}`)) return undefined;
  if (!checkServerIdentity(name, certificate)) return undefined;
  return new TlsFault(`the certificate is for ${namesIn(certificate)}, not ${name}`);
}

function namesIn({ subjectaltname, subject }: PeerCertificate): string {
  const names = (subjectaltname ?? '').split(', ').filter(Boolean).map((entry) => entry.replace(/^(DNS|IP Address|URI):/, ''));
  if (names.length === 0 && subject?.CN) names.push(String(subject.CN));
  const printable = names.map((name) => name.replace(/[^\x21-\x7e]/g, '?').slice(0, 100));
  return printable.length === 0 ? 'nobody' : printable.slice(0, 5).join(', ');
}

function contextOf(to: Hop): SecureContext {
  const key = `${tlsIdentity(to)} ${to.tls?.key === undefined ? '' : createHash('sha256').update(to.tls.key).digest('base64url')}`;
  const known = contexts.get(key);
  if (known) return known;
  if (contexts.size >= MAX_CONTEXTS) contexts.clear();
  const context = newContext(to.tls ?? {});
  contexts.set(key, context);
  return context;
}

function newContext({ ca, certificate, key }: TrunkTls): SecureContext {
  try {
    return createSecureContext({ ca, cert: certificate, key, minVersion: 'TLSv1.2' });
  } catch (error) {
    throw new TlsFault(`the certificate, key or authority given for TLS cannot be used (${(error as Error).message})`, { cause: error });
  }
}

const UNTRUSTED = 'the certificate was issued by an authority that is not trusted here';
const NO_TLS = 'the far end does not speak TLS on this port';
const wordsOf: Record<string, string> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  CERT_REVOKED: 'the certificate has been revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed and not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `${UNTRUSTED}, or its intermediate certificate is not sent`,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the far end speaks no TLS 1.2 or later',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the far end speaks no TLS 1.2 or later',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the far end wants a client certificate',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'the far end broke off the TLS handshake: it may want a client certificate, or other ciphers',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the far end refuses our client certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the far end does not trust the authority of our client certificate',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'the far end does not know the server name that was asked for',
};

/** A TLS error in plain words; others are returned as they are. */
export function tlsFault(error: Error): Error {
  const words = wordsOf[(error as NodeJS.ErrnoException).code ?? ''];
  return words === undefined ? error : new TlsFault(words, { cause: error });
}
