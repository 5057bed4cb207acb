import { createHash, randomBytes } from 'node:crypto';

/** A `WWW-Authenticate`/`Proxy-Authenticate` challenge (RFC 7616 §3.3), quoted values without their quotes. */
export interface DigestChallenge {
  realm: string;
  nonce: string;
  algorithm?: string;
  qop?: string[];
  opaque?: string;
  stale?: boolean;
}

export interface DigestCredentials { username: string; password: string }

const PARAMETER = /\s*([A-Za-z0-9\-.!%*_+`'~]+)\s*=\s*(?:"((?:[^"\\\r\n\0]|\\[^\r\n\0])*)"|([^\s,"]*))\s*(?:,|$)/y;

/** The value of a challenge header; undefined for another scheme than Digest, or when realm or nonce is missing. */
export function parseChallenge(value: string): DigestChallenge | undefined {
  const scheme = /^\s*Digest\s+/i.exec(value);
  if (!scheme) return undefined;
  const found = new Map<string, string>();
  PARAMETER.lastIndex = scheme[0].length;
  while (PARAMETER.lastIndex < value.length) {
    const match = PARAMETER.exec(value);
    if (!match) return undefined;
    found.set(match[1].toLowerCase(), match[2] ?? match[3]);
  }
  const realm = found.get('realm');
  const nonce = found.get('nonce');
  if (realm === undefined || nonce === undefined) return undefined;
  return { realm, nonce, ...optionalParts(found) };
}

function optionalParts(found: ReadonlyMap<string, string>): Partial<DigestChallenge> {
  const parts: Partial<DigestChallenge> = {};
  const algorithm = found.get('algorithm');
  if (algorithm !== undefined) parts.algorithm = algorithm;
  const qop = found.get('qop');
  const options = (qop ?? '').split(',').map((option) => option.trim().toLowerCase()).filter((option) => option !== '');
  // `qop=""` asks for as much as none.
  if (options.length > 0) parts.qop = options;
  const opaque = found.get('opaque');
  if (opaque !== undefined) parts.opaque = opaque;
  const stale = found.get('stale');
  if (stale !== undefined) parts.stale = stale.toLowerCase() === 'true';
  return parts;
}

/** Hashes by the name on the wire, weakest first (RFC 8760 §2.4). */
const HASHES: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };
const STRENGTH = Object.keys(HASHES);

interface Algorithm { hash: string; session: boolean; strength: number }

function algorithmOf(challenge: DigestChallenge): Algorithm | undefined {
  const name = (challenge.algorithm ?? 'MD5').toUpperCase();
  const session = name.endsWith('-SESS');
  const base = session ? name.slice(0, -'-SESS'.length) : name;
  return Object.hasOwn(HASHES, base) ? { hash: HASHES[base], session, strength: STRENGTH.indexOf(base) } : undefined;
}

/** Whether we can answer it: a known hash, and no quality of protection or `auth` among those offered. */
const supported = (challenge: DigestChallenge): boolean =>
  algorithmOf(challenge) !== undefined && (challenge.qop === undefined || challenge.qop.includes('auth'));

/** Of several challenges the strongest that we can answer (RFC 8760 §2.4); undefined when there is none. */
export function strongestChallenge<T extends DigestChallenge>(challenges: readonly T[]): T | undefined {
  return challenges.filter(supported).sort((a, b) => (algorithmOf(b)?.strength ?? 0) - (algorithmOf(a)?.strength ?? 0))[0];
}

export interface DigestRequest {
  method: string;
  /** The request URI as it stands on the wire. */
  uri: string;
  /** Nonce count, from 1. */
  nonceCount: number;
  /** Client nonce; random where absent. */
  cnonce?: string;
}

/** The value of an `Authorization`/`Proxy-Authorization` header; undefined when the challenge cannot be answered. */
export function answerChallenge(challenge: DigestChallenge, credentials: DigestCredentials, request: DigestRequest): string | undefined {
  const algorithm = algorithmOf(challenge);
  if (!algorithm || !supported(challenge)) return undefined;
  const hash = (text: string): string => createHash(algorithm.hash).update(text, 'utf8').digest('hex');
  const cnonce = request.cnonce ?? randomBytes(12).toString('hex');
  const nc = request.nonceCount.toString(16).padStart(8, '0');
  const realm = unquote(challenge.realm);
  const nonce = unquote(challenge.nonce);
  const secret = hash(`${credentials.username}:${realm}:${credentials.password}`);
  const ha1 = algorithm.session ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const ha2 = hash(`${request.method}:${request.uri}`);
  const protectedBy = challenge.qop ? `${nc}:${cnonce}:auth:` : '';
  const fields = [
    `username="${quote(credentials.username)}"`, `realm="${challenge.realm}"`, `nonce="${challenge.nonce}"`, `uri="${request.uri}"`,
    `response="${hash(`${ha1}:${nonce}:${protectedBy}${ha2}`)}"`,
  ];
  if (challenge.algorithm !== undefined) fields.push(`algorithm=${challenge.algorithm}`);
  if (challenge.qop || algorithm.session) fields.push(`cnonce="${cnonce}"`);
  if (challenge.qop) fields.push('qop=auth', `nc=${nc}`);
  if (challenge.opaque !== undefined) fields.push(`opaque="${challenge.opaque}"`);
  return `Digest ${fields.join(', ')}`;
}

/** Quoted-pairs (RFC 3261 §25.1) are kept as received where we echo, undone where we hash. */
const unquote = (text: string): string => text.replace(/\\(.)/g, '$1');
const quote = (text: string): string => text.replace(/[\\"]/g, '\\$&');
