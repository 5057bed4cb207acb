import type { TrunkEntry } from '@dialfleet/fleet';
import type { Clock, Logger } from '@dialfleet/kit';
import { InboundDigest, type DigestAlgorithm } from './inbound-digest.js';

/** What somebody who is no trunk of ours gets: nothing at all, or 403. */
export type UnknownSource = 'silence' | 'forbid';

/** A request outside any dialog. */
export interface Knock {
  method: string;
  requestUri: string;
  callId: string;
  /** First value of a header field, by long lower-case name. */
  header(name: string): string | undefined;
}

export type GateVerdict = 'pass' | 'drop' | { statusCode: number; reasonPhrase?: string; extraHeaders?: string[] };

export interface GateParts {
  sources: { trunksAt(address: string): readonly string[] };
  trunks: { readonly entries: readonly TrunkEntry[] };
  unknownSource: UnknownSource;
  realm: string;
  /** What callers may authenticate with; default: all we know. */
  digestAlgorithms?: readonly DigestAlgorithm[];
  clock: Clock;
  logger: Logger;
}

type Account = { username: string; password: string; trunkId: string };

/** From a request let in to the call made of it: far less than a second. */
const ADMITTED_FOR_MS = 30_000;
const MAX_ADMITTED = 10_000;

/**
 * Who may call: a source address of a trunk, or whoever proves a trunk's credentials where that trunk lets callers
 * authenticate. For everybody else there is nobody here.
 */
export class InboundGate {
  private readonly digest: InboundDigest;
  /** Trunks of callers who authenticated, by Call-ID. */
  private readonly admitted = new Map<string, { trunkIds: string[]; untilMs: number }>();

  constructor(private readonly parts: GateParts) { this.digest = new InboundDigest(parts.realm, parts.digestAlgorithms); }

  /** A source of one of our trunks. */
  isKnown(address: string): boolean { return this.parts.sources.trunksAt(address).length > 0; }

  admit(knock: Knock, address: string): GateVerdict {
    if (this.isKnown(address)) return 'pass';
    const accounts = knock.method === 'INVITE' ? this.accounts() : [];
    return accounts.length === 0 ? this.stranger() : this.authenticate(knock, address, accounts);
  }

  /** The trunks that a call let in may stand for; empty when it was not let in. */
  trunksOf(call: { callId: string; address: string }): readonly string[] {
    const bySource = this.parts.sources.trunksAt(call.address);
    return bySource.length > 0 ? bySource : this.admitted.get(call.callId)?.trunkIds ?? [];
  }

  private authenticate(knock: Knock, address: string, accounts: readonly Account[]): GateVerdict {
    const { clock, logger } = this.parts;
    const authorization = knock.header('authorization');
    if (authorization === undefined) return this.challenge(address);
    const verdict = this.digest.judge(authorization, { method: knock.method, requestUri: knock.requestUri, address }, accounts, clock.nowMs());
    if (verdict.outcome === 'stale') return this.challenge(address, true);
    if (verdict.outcome === 'refused') {
      logger.warn('a caller with wrong credentials was refused', { from: address });
      return { statusCode: 403 };
    }
    this.remember(knock.callId, verdict.users.map(({ trunkId }) => trunkId));
    return 'pass';
  }

  private challenge(address: string, stale = false): GateVerdict {
    return { statusCode: 401, extraHeaders: this.digest.challenges(address, this.parts.clock.nowMs(), stale).map((value) => `WWW-Authenticate: ${value}`) };
  }

  private stranger(): GateVerdict { return this.parts.unknownSource === 'forbid' ? { statusCode: 403 } : 'drop'; }

  private accounts(): Account[] {
    return this.parts.trunks.entries.flatMap(({ inboundAuth, trunk: { trunkId, username, password } }) =>
      (inboundAuth && username !== undefined && password !== undefined ? [{ username, password, trunkId }] : []));
  }

  private remember(callId: string, trunkIds: string[]): void {
    const nowMs = this.parts.clock.monotonicMs();
    for (const [id, { untilMs }] of this.admitted) { if (untilMs > nowMs && this.admitted.size < MAX_ADMITTED) break; this.admitted.delete(id); }
    this.admitted.delete(callId);
    this.admitted.set(callId, { trunkIds, untilMs: nowMs + ADMITTED_FOR_MS });
  }
}
