import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { errorMessage } from '@dialfleet/kit';
import type { FieldProblem, TrunkRequest } from '@dialfleet/contracts';

/** What is stored and stays: a change may leave the secrets out. */
export interface StoredSecrets {
  hasPassword: boolean;
  hasClientKey: boolean;
  /** Opened where the certificate beside it changes. */
  clientKey?: string;
}

export const nothingStored: StoredSecrets = { hasPassword: false, hasClientKey: false };

/** Rules of a trunk that span several fields, and PEM texts that cannot be used. */
export function trunkProblems(request: TrunkRequest, stored: StoredSecrets): FieldProblem[] {
  return [...credentialProblems(request, stored), ...transportProblems(request), ...tlsProblems(request, stored)];
}

function credentialProblems(request: TrunkRequest, stored: StoredSecrets): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const wanting = request.inbound_auth ? 'inbound_auth' : request.register ? 'register' : undefined;
  if (wanting && request.username === undefined) problems.push({ path: 'username', message: `is required with ${wanting}` });
  if (request.inbound_auth && request.password === undefined && !stored.hasPassword) problems.push({ path: 'password', message: 'is required with inbound_auth' });
  return problems;
}

function transportProblems({ transport, tls, ws_path }: TrunkRequest): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const usesTls = transport === 'tls' || transport === 'wss';
  if (!usesTls && tls !== undefined && Object.values(tls).some((value) => value !== undefined)) problems.push({ path: 'tls', message: `needs transport tls or wss, not ${transport}` });
  if (ws_path !== undefined && transport !== 'ws' && transport !== 'wss') problems.push({ path: 'ws_path', message: `needs transport ws or wss, not ${transport}` });
  return problems;
}

function tlsProblems({ tls = {} }: TrunkRequest, stored: StoredSecrets): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const keyPem = tls.key ?? stored.clientKey;
  read('tls.ca', tls.ca, certificates, problems);
  const chain = read('tls.certificate', tls.certificate, certificates, problems);
  const key = read('tls.key', keyPem, privateKey, problems);
  problems.push(...pairProblems(tls.certificate !== undefined, keyPem !== undefined || stored.hasClientKey));
  if (chain && key && !chain[0].checkPrivateKey(key)) problems.push({ path: 'tls.key', message: 'does not belong to the (first) certificate' });
  return problems.length > 0 ? problems : contextProblems({ ca: tls.ca, ...(chain && key ? { cert: tls.certificate, key: keyPem } : {}) });
}

function pairProblems(hasCertificate: boolean, hasKey: boolean): FieldProblem[] {
  if (hasCertificate === hasKey) return [];
  return hasKey ? [{ path: 'tls.certificate', message: 'is required with a key (send null for both to remove them)' }] : [{ path: 'tls.key', message: 'is required with a certificate' }];
}

/** What OpenSSL itself refuses: a key that is too short, say. */
function contextProblems(options: SecureContextOptions): FieldProblem[] {
  try {
    createSecureContext(options);
    return [];
  } catch (error) {
    return [{ path: 'tls', message: `cannot be used: ${errorMessage(error)}` }];
  }
}

function read<T>(path: string, text: string | undefined, parse: (pem: string) => T, problems: FieldProblem[]): T | undefined {
  if (text === undefined) return undefined;
  try { return parse(text); } catch (error) {
    problems.push({ path, message: errorMessage(error) });
    return undefined;
  }
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** All of a PEM text. @throws Error in words for its field. */
function certificates(pem: string): X509Certificate[] {
  const blocks = [...pem.matchAll(BLOCK)];
  if (/PRIVATE KEY-----/.test(pem)) throw new Error('holds a private key: it belongs into tls.key, where it is kept secret');
  if (blocks.length === 0) throw new Error('must be PEM: a block from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----');
  return blocks.map(([block, label], i) => {
    if (label !== 'CERTIFICATE') throw new Error(`must hold certificates only, not ${label.toLowerCase()}`);
    try { return new X509Certificate(block); } catch { throw new Error(`has a certificate that cannot be read (block ${i + 1}): was it copied whole?`); }
  });
}

/** @throws Error in words for its field. */
function privateKey(pem: string): KeyObject {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw new Error('must be PEM: a block from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----');
  if (/ENCRYPTED/.test(pem)) throw new Error('must not be protected by a passphrase');
  try { return createPrivateKey(pem); } catch { throw new Error('cannot be read as a private key: was it copied whole?'); }
}
