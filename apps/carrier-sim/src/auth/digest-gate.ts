import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export interface GateCredentials {
  username: string;
  password: string;
  /** Default MD5. */
  algorithm?: 'MD5' | 'SHA-256';
  /** Default `carrier-sim`. */
  realm?: string;
}

/** `stale`: everything is right but the nonce is too old, so the caller may try again without asking anybody. */
export type GateVerdict = 'accepted' | 'stale' | 'refused';

const HASHES = { MD5: 'md5', 'SHA-256': 'sha256' } as const;
const NONCE_LIFE_MS = 60_000;
const FIELD = /([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi;

/**
 * Digest access authentication as a server asks for it (RFC 7616, RFC 8760): `qop=auth`, one algorithm. Nonces carry
 * their time under a key of this process, so nothing is stored per challenge.
 */
export class DigestGate {
  private readonly key = randomBytes(32);
  private readonly algorithm: keyof typeof HASHES;
  private readonly realm: string;

  constructor(private readonly credentials: GateCredentials) {
    this.algorithm = credentials.algorithm ?? 'MD5';
    this.realm = credentials.realm ?? 'carrier-sim';
  }

  /** Value of the `WWW-Authenticate` or `Proxy-Authenticate` header. */
  challenge(nowMs: number, stale = false): string {
    const fields = [`realm="${this.realm}"`, `nonce="${this.nonceOf(nowMs)}"`, `algorithm=${this.algorithm}`, 'qop="auth"'];
    return `Digest ${[...fields, ...(stale ? ['stale=true'] : [])].join(', ')}`;
  }

  /** Judges the value of an `Authorization` or `Proxy-Authorization` header. */
  judge(authorization: string, method: string, nowMs: number): GateVerdict {
    const given = fieldsOf(authorization);
    if (!given || !this.isOurs(given)) return 'refused';
    if (!sameText(given.response ?? '', this.responseTo(given, method))) return 'refused';
    const issuedMs = this.issuedAtMs(given.nonce ?? '');
    if (issuedMs === null) return 'refused';
    return nowMs - issuedMs > NONCE_LIFE_MS ? 'stale' : 'accepted';
  }

  private isOurs({ username, realm, algorithm, qop, nc, cnonce }: Record<string, string>): boolean {
    return username === this.credentials.username && realm === this.realm && (algorithm ?? 'MD5').toUpperCase() === this.algorithm
      && qop === 'auth' && /^[0-9a-f]{8}$/i.test(nc ?? '') && Boolean(cnonce);
  }

  private responseTo({ nonce, nc, cnonce, uri }: Record<string, string>, method: string): string {
    const { username, password } = this.credentials;
    const hash = (text: string): string => createHash(HASHES[this.algorithm]).update(text, 'utf8').digest('hex');
    return hash(`${hash(`${username}:${this.realm}:${password}`)}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`);
  }

  private nonceOf(issuedMs: number): string {
    const stamp = Math.floor(issuedMs).toString(36);
    return `${stamp}.${createHmac('sha256', this.key).update(stamp).digest('hex').slice(0, 32)}`;
  }

  private issuedAtMs(nonce: string): number | null {
    const issuedMs = Number.parseInt(nonce.split('.')[0], 36);
    return Number.isSafeInteger(issuedMs) && sameText(nonce, this.nonceOf(issuedMs)) ? issuedMs : null;
  }
}

function fieldsOf(authorization: string): Record<string, string> | undefined {
  const scheme = /^\s*Digest\s+/i.exec(authorization);
  if (!scheme) return undefined;
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [, name, quoted, token] of authorization.slice(scheme[0].length).matchAll(FIELD)) {
    fields[name.toLowerCase()] = quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1');
  }
  return fields;
}

const sameText = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};
