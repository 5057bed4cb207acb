import { Resolver } from 'node:dns/promises';
import type { Clock } from '@dialfleet/kit';
import { HostResolver, type LookUp } from './host-resolver.js';
import type { SrvRecord } from './srv-order.js';

export interface NaptrRecord { flags: string; service: string; replacement: string; order: number; preference: number }

/** The name service as RFC 3263 needs it. Names without records of a kind give none; a server that fails gives none either. */
export interface NameService {
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  /** Rejects with UnresolvedHostError when there are none. IPv4 first. */
  addresses(name: string): Promise<readonly { address: string; family: number }[]>;
}

/** The system's resolver tells no time to live of NAPTR and SRV records: they are asked anew after this. */
const SERVICE_CACHE_MS = 30_000;
/** After a failure of the name server itself. */
const FAILURE_CACHE_MS = 3_000;
const QUERY_TIMEOUT_MS = 1_500;
const MAX_CACHED = 1_024;
const NO_SUCH_RECORD = new Set(['ENODATA', 'ENOTFOUND']);

/** Asks the name servers of the system or those given (`address` or `address:port`); answers are remembered for a while. */
export function dnsNames(clock: Clock, servers?: readonly string[]): NameService {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
  if (servers) resolver.setServers(servers);
  const hosts = new HostResolver(clock, servers ? lookUpBy(resolver) : undefined);
  return {
    naptr: remembered(clock, (name) => resolver.resolveNaptr(name)),
    srv: remembered(clock, (name) => resolver.resolveSrv(name)),
    addresses: (name) => hosts.resolveAll(name),
  };
}

/** Only addresses, by this resolver. */
export const addressesOnly = (hosts: HostResolver): NameService => ({
  naptr: () => Promise.resolve([]), srv: () => Promise.resolve([]), addresses: (name) => hosts.resolveAll(name),
});

/** Without the system's own names (`/etc/hosts`): for servers other than the system's. */
const lookUpBy = (resolver: Resolver): LookUp => async (name) => {
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(name, { ttl: true }), resolver.resolve6(name, { ttl: true })]);
  if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason;
  return [...found(v4, 4), ...found(v6, 6)];
};

const found = (answer: PromiseSettledResult<{ address: string; ttl: number }[]>, family: number): { address: string; family: number; ttlSeconds: number }[] =>
  (answer.status === 'fulfilled' ? answer.value.map(({ address, ttl }) => ({ address, family, ttlSeconds: ttl })) : []);

/** Several who ask for the same at once share one query. */
function remembered<T>(clock: Clock, ask: (name: string) => Promise<T[]>): (name: string) => Promise<readonly T[]> {
  const known = new Map<string, { answer: Promise<readonly T[]>; untilMs: number }>();
  return (name) => {
    const key = name.toLowerCase();
    const entry = known.get(key);
    if (entry && entry.untilMs > clock.monotonicMs()) return entry.answer;
    if (known.size >= MAX_CACHED) known.clear();
    const fresh = { answer: Promise.resolve<readonly T[]>([]), untilMs: Infinity };
    const until = (forMs: number): void => { fresh.untilMs = clock.monotonicMs() + forMs; };
    fresh.answer = ask(name).then(
      (records) => { until(SERVICE_CACHE_MS); return records; },
      (error: NodeJS.ErrnoException) => { until(NO_SUCH_RECORD.has(error.code ?? '') ? SERVICE_CACHE_MS : FAILURE_CACHE_MS); return []; });
    known.set(key, fresh);
    return fresh.answer;
  };
}
