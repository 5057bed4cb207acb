import { isIP } from 'node:net';
import type { SipTransportName } from '@dialfleet/call';
import { within, type Clock } from '@dialfleet/kit';
import { UnresolvedHostError } from './host-resolver.js';
import type { NameService } from './name-service.js';
import { defaultPortOf, protocolOf } from '../transport/sip-socket.js';
import type { ServerLocator, SipDestination, SipTarget } from './sip-target.js';
import { orderSrv, type SrvRecord } from './srv-order.js';

/** RFC 3263 §4.1, RFC 7118 §8.4: NAPTR service field and SRV prefix of each transport. WebSockets have no SRV name of their own. */
const services: Record<SipTransportName, { naptr: string; srv: string | undefined }> = {
  udp: { naptr: 'SIP+D2U', srv: '_sip._udp.' }, tcp: { naptr: 'SIP+D2T', srv: '_sip._tcp.' }, tls: { naptr: 'SIPS+D2T', srv: '_sips._tcp.' },
  ws: { naptr: 'SIP+D2W', srv: undefined }, wss: { naptr: 'SIPS+D2W', srv: undefined },
};
/** A server that failed is tried after the others for this long. */
export const FAILED_MS = 30_000;
const MAX_FAILED_MS = 10 * 60_000;
const MAX_FAILED = 1_024;
/** A name server that is slow to say that there is no SRV record must not hold up every call. */
const SERVICE_LIMIT_MS = 3_000;

export interface LocatorOptions {
  clock: Clock;
  names: NameService;
  /** Which addresses can be sent to; default both. */
  families?: readonly (4 | 6)[];
  /** In [0, 1); for the weights of SRV records. */
  random?: () => number;
}

/** Finds the servers of a destination (RFC 3263), for the transport that it names. */
export class DnsLocator implements ServerLocator {
  private readonly failedUntilMs = new Map<string, number>();

  constructor(private readonly options: LocatorOptions) {}

  async locate(destination: SipDestination): Promise<SipTarget[]> {
    const { host, port, transport } = destination;
    const places = port !== undefined || isIP(host) ? await this.placesOf(host, port ?? defaultPortOf[transport]) : await this.placesByName(host, transport);
    const distinct = [...new Map(places.map((place) => [`${place.address} ${place.port}`, place])).values()];
    const targets = distinct.map((place): SipTarget => ({ transport, ...place, hostname: host, tls: destination.tls, wsPath: destination.wsPath }));
    const now = this.options.clock.monotonicMs();
    const hasFailed = (target: SipTarget): boolean => (this.failedUntilMs.get(keyOf(target)) ?? 0) > now;
    return [...targets.filter((target) => !hasFailed(target)), ...targets.filter(hasFailed)];
  }

  failed(target: SipTarget, forMs = FAILED_MS): void {
    if (this.failedUntilMs.size >= MAX_FAILED) this.failedUntilMs.clear();
    this.failedUntilMs.set(keyOf(target), this.options.clock.monotonicMs() + Math.min(forMs, MAX_FAILED_MS));
  }

  private async placesByName(host: string, transport: SipTransportName): Promise<Place[]> {
    // A name without a dot (`localhost`) is none of the DNS.
    const records = host.includes('.') ? await within(this.options.clock, SERVICE_LIMIT_MS, this.serversOf(host, transport)) ?? [] : [];
    if (records.length === 0) return this.placesOf(host, defaultPortOf[transport]);
    if (records.every(({ name }) => name === '' || name === '.')) throw new UnresolvedHostError(`${host} offers no SIP over ${protocolOf[transport]}`);
    const found = await Promise.allSettled(orderSrv(records, this.options.random ?? Math.random).map(({ name, port }) => this.placesOf(name, port)));
    const places = found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    const reasons = found.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
    if (places.length === 0) throw reasons[0];
    return places;
  }

  /** NAPTR names the SRV record for the transport; where it does not, that has the usual name. */
  private async serversOf(host: string, transport: SipTransportName): Promise<readonly SrvRecord[]> {
    const { naptr, srv } = services[transport];
    const { names } = this.options;
    const usual = srv === undefined ? Promise.resolve([]) : names.srv(srv + host);
    const pointers = (await names.naptr(host))
      .filter(({ flags, service, replacement }) => flags.toLowerCase() === 's' && service.toUpperCase() === naptr && replacement !== '')
      .sort((a, b) => a.order - b.order || a.preference - b.preference);
    for (const { replacement } of pointers) {
      const records = await names.srv(replacement);
      if (records.length > 0) return records;
    }
    return usual;
  }

  private async placesOf(host: string, port: number): Promise<Place[]> {
    const { names, families = [4, 6] } = this.options;
    const addresses = await names.addresses(host);
    const usable = addresses.filter(({ family }) => families.includes(family as 4 | 6));
    if (usable.length === 0) throw new UnresolvedHostError(`host ${host} has only IPv${addresses[0].family} addresses, which cannot be reached from here`);
    return usable.map(({ address }) => ({ address, port }));
  }
}

interface Place { address: string; port: number }

const keyOf = ({ transport, address, port }: SipTarget): string => `${transport} ${address} ${port}`;
