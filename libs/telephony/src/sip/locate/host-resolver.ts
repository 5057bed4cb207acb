import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '@dialfleet/kit';

export interface HostAddress { address: string; family: number; ttlSeconds?: number }
export type LookUp = (host: string) => Promise<readonly HostAddress[]>;

/** The name of a host has no address that we can send to. */
export class UnresolvedHostError extends Error {}

/** Where the answer has no time to live: getaddrinfo tells none. */
const CACHE_MS = 5_000;
const MAX_CACHE_MS = 60_000;
const FAILURE_CACHE_MS = 3_000;
const MAX_CACHED = 1_024;
const systemLookUp: LookUp = (host) => lookup(host, { all: true });

interface Entry { answer: Promise<readonly HostAddress[]>; untilMs: number }

/** Host names → IP addresses, IPv4 first, remembered for a few seconds as are failures; several calls at once share one look-up. */
export class HostResolver {
  private readonly known = new Map<string, Entry>();

  constructor(private readonly clock: Clock, private readonly lookUp: LookUp = systemLookUp) {}

  /** The first address. Rejects with UnresolvedHostError. */
  async resolve(host: string): Promise<string> { return (await this.resolveAll(host))[0].address; }

  /** At least one. Rejects with UnresolvedHostError. */
  resolveAll(host: string): Promise<readonly HostAddress[]> {
    const family = isIP(host);
    if (family) return Promise.resolve([{ address: host, family }]);
    const name = host.toLowerCase();
    const entry = this.known.get(name);
    if (entry && entry.untilMs > this.clock.monotonicMs()) return entry.answer;
    if (this.known.size >= MAX_CACHED) this.known.clear();
    const fresh: Entry = { answer: Promise.resolve([]), untilMs: Infinity };
    fresh.answer = this.ask(name, (forMs) => { fresh.untilMs = this.clock.monotonicMs() + forMs; });
    this.known.set(name, fresh);
    return fresh.answer;
  }

  private async ask(name: string, keepFor: (ms: number) => void): Promise<readonly HostAddress[]> {
    try {
      const addresses = await this.lookUp(name);
      if (addresses.length === 0) throw new UnresolvedHostError(`host ${name} has no address`);
      keepFor(Math.min(MAX_CACHE_MS, ...addresses.map(({ ttlSeconds }) => (ttlSeconds === undefined ? CACHE_MS : ttlSeconds * 1_000))));
      return [...addresses].sort((a, b) => a.family - b.family);
    } catch (error) {
      keepFor(FAILURE_CACHE_MS);
      if (error instanceof UnresolvedHostError) throw error;
      throw new UnresolvedHostError(`host ${name} does not resolve (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`, { cause: error });
    }
  }
}
