import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export interface DigestUser { username: string; password: string }

export type DigestVerdict<User extends DigestUser> =
  | { outcome: 'accepted'; users: User[] }
  /** Right, but the nonce is too old or was used before: the caller may try again without asking anybody. */
  | { outcome: 'stale' }
  | { outcome: 'refused' };

const NONCE_LIFE_MS = 60_000;
const MAX_NONCES = 10_000;
/** By their names on the wire, the strongest first. */
export const digestAlgorithms = ['SHA-256', 'MD5'] as const;
export type DigestAlgorithm = (typeof digestAlgorithms)[number];
const HASHES: Readonly<Record<DigestAlgorithm, string>> = { 'SHA-256': 'sha256', MD5: 'md5' };
const FIELD = /([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi;
const MAX_HEADER = 2048;

/**
 * Digest authentication as a server asks for it (RFC 7616, RFC 8760): SHA-256 and, for older phones, MD5; `qop=auth`. A
 * nonce carries its time and whom it was made for under a key of this process, so that challenges cost no memory; of
 * those answered the last count is kept, so that an answer overheard is worth nothing.
 */
export class InboundDigest {
  private readonly key = randomBytes(32);
  /** Highest count seen of each nonce. */
  private readonly counts = new Map<string, number>();

  constructor(private readonly realm: string, private readonly algorithms: readonly DigestAlgorithm[] = digestAlgorithms) {}

  /** Values of `WWW-Authenticate`, the strongest first (RFC 8760 §2.4). */
  challenges(address: string, nowMs: number, stale = false): string[] {
    const nonce = this.nonceOf(nowMs, address);
    return this.algorithms.map((algorithm) => `Digest realm="${this.realm}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"${stale ? ', stale=true' : ''}`);
  }

  /** Whose credentials the value of an `Authorization` header proves. Names may be the same in several workspaces. */
  judge<User extends DigestUser>(authorization: string, request: { method: string; requestUri: string; address: string }, users: readonly User[], nowMs: number): DigestVerdict<User> {
    const given = fieldsOf(authorization);
    const named = (given?.['algorithm'] ?? 'MD5').toUpperCase();
    const algorithm = this.algorithms.find((one) => one === named);
    if (!given || !algorithm || !this.isComplete(given) || !sameTarget(given['uri'], request.requestUri)) return { outcome: 'refused' };
    const proven = users.filter((user) => user.username === given['username'] && sameText(given['response'], this.responseTo(given, user, HASHES[algorithm], request.method)));
    if (proven.length === 0) return { outcome: 'refused' };
    const issuedMs = this.issuedAtMs(given['nonce'], request.address);
    if (issuedMs === null || nowMs - issuedMs > NONCE_LIFE_MS || !this.isFresh(given['nonce'], Number.parseInt(given['nc'], 16))) return { outcome: 'stale' };
    return { outcome: 'accepted', users: proven };
  }

  private isComplete({ realm, qop, nc, cnonce, nonce, uri, response, username }: Record<string, string>): boolean {
    return realm === this.realm && qop === 'auth' && /^[0-9a-f]{8}$/i.test(nc ?? '') && Boolean(cnonce) && Boolean(nonce) && Boolean(uri) && Boolean(response) && Boolean(username);
  }

  private responseTo({ nonce, nc, cnonce, uri }: Record<string, string>, { username, password }: DigestUser, algorithm: string, method: string): string {
    const hash = (text: string): string => createHash(algorithm).update(text, 'utf8').digest('hex');
    return hash(`${hash(`${username}:${this.realm}:${password}`)}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`);
  }

  private nonceOf(issuedMs: number, address: string): string {
    const stamp = Math.floor(issuedMs).toString(36);
    const salt = randomBytes(6).toString('base64url');
    return `${stamp}.${salt}.${this.seal(stamp, salt, address)}`;
  }

  private seal(stamp: string, salt: string, address: string): string {
    return createHmac('sha256', this.key).update(`${stamp}.${salt}.${address}`).digest('base64url').slice(0, 32);
  }

  private issuedAtMs(nonce: string, address: string): number | null {
    const [stamp, salt, seal] = nonce.split('.');
    if (seal === undefined || !sameText(seal, this.seal(stamp, salt, address))) return null;
    const issuedMs = Number.parseInt(stamp, 36);
    return Number.isSafeInteger(issuedMs) ? issuedMs : null;
  }

  private isFresh(nonce: string, count: number): boolean {
    if (count <= (this.counts.get(nonce) ?? 0)) return false;
    this.counts.delete(nonce);
    this.counts.set(nonce, count);
    // The oldest goes: at this rate its minute is long over, or somebody answers thousands of challenges a second with right credentials.
    if (this.counts.size > MAX_NONCES) this.counts.delete(this.counts.keys().next().value as string);
    return true;
  }
}

function fieldsOf(authorization: string): Record<string, string> | undefined {
  const scheme = authorization.length <= MAX_HEADER ? /^\s*Digest\s+/i.exec(authorization) : null;
  if (!scheme) return undefined;
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [, name, quoted, token] of authorization.slice(scheme[0].length).matchAll(FIELD)) {
    fields[name.toLowerCase()] ??= quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1');
  }
  return fields;
}

/** Proxies rewrite the host of a request URI: what must be the same is who is called. */
const sameTarget = (a: string, b: string): boolean => userOf(a) === userOf(b);
const userOf = (uri: string): string => /^(?:sips?|tel):([^@;>]*)/i.exec(uri.trim())?.[1].toLowerCase() ?? uri;

const sameText = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};
