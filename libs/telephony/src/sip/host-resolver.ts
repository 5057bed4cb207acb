import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '@dialfleet/kit';

export type LookUp = (host: string) => Promise<readonly { address: string; family: number }[]>;

/** The name of a host has no address that we can send to. */
export class UnresolvedHostError extends Error {}

const CACHE_MS = 5_000;
const MAX_CACHED = 1_024;
const systemLookUp: LookUp = (host) => lookup(host, { all: true });

/** Host names → IP addresses, IPv4 first, remembered for a few seconds; several calls at once share one look-up. */
export class HostResolver {
  private readonly known = new Map<string, { address: string; untilMs: number }>();
  private readonly pending = new Map<string, Promise<string>>();

  constructor(private readonly clock: Clock, private readonly lookUp: LookUp = systemLookUp) {}

  /** The address without waiting: an IP address itself, or a name resolved lately. */
  cached(host: string): string | undefined {
    if (isIP(host)) return host;
    const entry = this.known.get(host.toLowerCase());
    return entry && entry.untilMs > this.clock.monotonicMs() ? entry.address : undefined;
  }

  /** Rejects with UnresolvedHostError. */
  resolve(host: string): Promise<string> {
    const cached = this.cached(host);
    if (cached !== undefined) return Promise.resolve(cached);
    const name = host.toLowerCase();
    const pending = this.pending.get(name) ?? this.ask(name).finally(() => this.pending.delete(name));
    this.pending.set(name, pending);
    return pending;
  }

  private async ask(name: string): Promise<string> {
    const addresses = await this.lookUp(name).catch((cause: Error) => {
      throw new UnresolvedHostError(`host ${name} does not resolve (${(cause as NodeJS.ErrnoException).code ?? cause.message})`, { cause });
    });
    const chosen = addresses.find((entry) => entry.family === 4) ?? addresses[0];
    if (!chosen) throw new UnresolvedHostError(`host ${name} has no address`);
    if (this.known.size >= MAX_CACHED) this.known.clear();
    this.known.set(name, { address: chosen.address, untilMs: this.clock.monotonicMs() + CACHE_MS });
    return chosen.address;
  }
}
