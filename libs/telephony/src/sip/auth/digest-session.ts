import { answerChallenge, parseChallenge, strongestChallenge, type DigestChallenge, type DigestCredentials } from './digest.js';
import { splitAtCommas } from '../message/fast-grammar.js';
import { safeText } from '../message/header-safety.js';

/** Who asks: a server with 401 and `WWW-Authenticate`, or a proxy with 407 and `Proxy-Authenticate` (RFC 3261 §22). */
export type Challenger = 'server' | 'proxy';

export interface RequestToSign { method: string; uri: string }

/** Header values that answer everything a request was asked so far, by who asked. */
export type DigestAnswer = Readonly<Record<Challenger, readonly string[]>>;

interface Space { challenger: Challenger; challenge: DigestChallenge }

/** A nonce may be used again, its count rising (RFC 7616 §3.4); of a long registration's many the oldest are forgotten. */
const MAX_NONCES = 64;

/** Challenges to one request, of all spaces together: a chain of proxies is rarely longer. */
const MAX_ROUNDS = 6;

/**
 * The credentials of one call or registration, with what is known of those who asked for them. Each request gets its own
 * `SignedRequest`; nonce counts go on from request to request.
 */
export class DigestSession {
  private readonly spaces = new Map<string, Space>();
  private readonly nonceCounts = new Map<string, number>();

  constructor(private readonly credentials: DigestCredentials) {}

  request(): SignedRequest { return new SignedRequest(this); }

  /** Of several challenges for one realm the strongest that we can answer counts (RFC 8760 §2.4). Returns the keys of the spaces. */
  remember(challenger: Challenger, values: readonly string[]): { key: string; challenge: DigestChallenge }[] {
    const byRealm = new Map<string, DigestChallenge[]>();
    for (const challenge of values.flatMap(challengesOf)) byRealm.set(challenge.realm, [...byRealm.get(challenge.realm) ?? [], challenge]);
    return [...byRealm].flatMap(([realm, challenges]) => {
      const challenge = strongestChallenge(challenges);
      if (!challenge) return [];
      const key = `${challenger} ${realm}`;
      this.spaces.set(key, { challenger, challenge });
      return [{ key, challenge }];
    });
  }

  sign(keys: Iterable<string>, request: RequestToSign): DigestAnswer {
    const answer: Record<Challenger, string[]> = { server: [], proxy: [] };
    for (const key of keys) {
      const space = this.spaces.get(key);
      if (!space) continue;
      const value = answerChallenge(space.challenge, this.credentials, { ...request, nonceCount: this.countUse(`${key} ${space.challenge.nonce}`) });
      if (value !== undefined) answer[space.challenger].push(value);
    }
    return answer;
  }

  private countUse(nonce: string): number {
    const count = (this.nonceCounts.get(nonce) ?? 0) + 1;
    this.nonceCounts.delete(nonce);
    this.nonceCounts.set(nonce, count);
    if (this.nonceCounts.size > MAX_NONCES) this.nonceCounts.delete(this.nonceCounts.keys().next().value as string);
    return count;
  }
}

/** One request on its way through proxies and a server that may each ask for credentials. */
export class SignedRequest {
  /** Space → the nonce it was answered with last, and whether that was after a stale one. */
  private readonly answered = new Map<string, { nonce: string; stale: boolean }>();
  private rounds = 0;

  constructor(private readonly session: DigestSession) {}

  /**
   * Answers a 401 or 407: credentials for these challenges and for all before. Undefined when that would not help: our
   * credentials were refused already, or the challenges are not ours to answer. A nonce that was only stale gets one more
   * try (RFC 7616 §3.3).
   */
  challenged(challenger: Challenger, values: readonly string[], request: RequestToSign): DigestAnswer | undefined {
    if (++this.rounds > MAX_ROUNDS) return undefined;
    const spaces = this.session.remember(challenger, values);
    if (spaces.length === 0 || spaces.some(({ key, challenge }) => this.isRefusal(key, challenge))) return undefined;
    for (const { key, challenge } of spaces) this.answered.set(key, { nonce: challenge.nonce, stale: this.answered.has(key) });
    return this.session.sign(this.answered.keys(), request);
  }

  private isRefusal(key: string, challenge: DigestChallenge): boolean {
    const before = this.answered.get(key);
    return before !== undefined && (challenge.stale !== true || challenge.nonce === before.nonce || before.stale);
  }
}

/** `Digest realm=`: another challenge begins. */
const SCHEME = /^\s*[A-Za-z][A-Za-z0-9-]*[ \t]+[A-Za-z][A-Za-z0-9-]*[ \t]*=/;

/** The Digest challenges in a header value: one, or several joined by commas (RFC 9110 §11.6.1). */
function challengesOf(value: string): DigestChallenge[] {
  const parts = splitAtCommas(value).map(([from, to]) => ({ from, beginsOne: from === 0 || SCHEME.test(value.slice(from, to)) }));
  const starts = parts.filter(({ beginsOne }) => beginsOne).map(({ from }) => from);
  return starts.flatMap((from, i) => {
    const challenge = parseChallenge(value.slice(from, i + 1 < starts.length ? starts[i + 1] - 1 : undefined));
    return challenge ? [challenge] : [];
  });
}

/** What a trunk's credentials answer challenges with; undefined: it has none. Throws UnsafeSipValueError. */
export function digestSessionOf({ username, password }: { username?: string; password?: string }): DigestSession | undefined {
  if (!username || password === undefined) return undefined;
  return new DigestSession({ username: safeText(username, 'trunk username'), password: safeText(password, 'trunk password') });
}
