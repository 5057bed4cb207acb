import { isIPv6 } from 'node:net';
import type { CallLeg, CallPlan, SipTransportName, TrunkPlan } from '@dialfleet/call';
import { errorMessage, portProblem, type Clock, type Logger } from '@dialfleet/kit';
import {
  dnsNames, DnsLocator, SipEndpoint, SipPortError, trunkDestination, type Admission, type InviteHandler, type MediaFactory, type MediaSession, type NameService, type ServerTls,
} from '@dialfleet/telephony';
import { watchCertificate } from './certificate-watch.js';
import { isLocalAddress, localAddressTowards, primaryAddress } from './local-address.js';

export interface SipLegsOptions {
  /** Announced in SIP and SDP for every trunk; null: the local address that routes to the trunk. */
  advertisedAddress: string | null;
  /** 0: any. UDP and TCP share the number. */
  sipPort: number;
  /** What TLS and WSS listeners show; without it those transports only connect. */
  tls?: ServerTls | null;
  /** As it is now: a certificate may be renewed. */
  readTls?: () => ServerTls | null;
  /** 0: any; counts with `tls`. */
  tlsPort?: number;
  /** WSS with `tls`, else WS; null: nothing listens. */
  webSocketPort?: number | null;
  version: string;
  media: MediaFactory;
  /** Who may come in. */
  admission: Admission;
  clock: Clock;
  logger: Logger;
}

/**
 * This worker's SIP sockets: one endpoint, of every transport, for each announced address. Those of the main address are
 * opened at start, so that a taken port is a start-up error; others (a trunk on loopback, say) when first needed.
 */
export class SipLegs {
  private readonly endpoints = new Map<string, Promise<SipEndpoint>>();
  private mainPort = 0;
  private handler: InviteHandler | undefined;
  private tls: ServerTls | undefined;
  private stopWatching: () => void = () => undefined;
  /** Of the trunk's registration (RFC 3608): Route values. */
  serviceRouteOf: (trunkId: string) => readonly string[] = () => [];

  private readonly names: NameService;
  private readonly locator: DnsLocator;

  private constructor(private readonly options: SipLegsOptions, readonly mainAddress: string) {
    this.tls = options.tls ?? undefined;
    this.names = dnsNames(options.clock);
    this.locator = new DnsLocator({ clock: options.clock, names: this.names });
  }

  /** @throws SettingError when a SIP port cannot be had. */
  static async start(options: SipLegsOptions): Promise<SipLegs> {
    const legs = new SipLegs(options, options.advertisedAddress ?? primaryAddress());
    const main = await legs.endpoint(legs.mainAddress).catch((error: unknown) => { throw sipPortProblem(error); });
    legs.mainPort = main.port;
    const { tls, readTls, clock, logger } = options;
    if (tls && readTls) legs.stopWatching = watchCertificate(tls, readTls, (renewed) => legs.renewTls(renewed), clock, logger);
    return legs;
  }

  /** Where INVITEs reach this worker: `address:port`, `[v6]:port`. */
  get sipAddress(): string { return `${this.mainAddress.includes(':') ? `[${this.mainAddress}]` : this.mainAddress}:${this.mainPort}`; }

  private async renewTls(tls: ServerTls): Promise<void> {
    for (const endpoint of await Promise.all(this.endpoints.values())) endpoint.renewTls(tls);
    this.tls = tls;
  }

  /** Calls that come in, over whichever socket. */
  onInvite(handler: InviteHandler): void { this.handler = handler; }

  /** Opens the sockets on which a trunk and its `sources` (CIDRs) reach us, so that they can call before they were ever called. Never rejects. */
  async listenTowards(trunk: TrunkPlan, sources: readonly string[] = []): Promise<void> {
    try {
      const addresses = await Promise.all([this.addressFor(trunk), ...sources.map((source) => this.addressTowards(source.split('/')[0], DEFAULT_PORT))]);
      await Promise.all([...new Set(addresses)].map((address) => this.endpoint(address)));
    } catch (error) {
      this.options.logger.warn('no SIP socket towards a trunk', { trunk_id: trunk.trunkId, error: errorMessage(error) });
    }
  }

  async createLeg(plan: CallPlan): Promise<CallLeg> {
    const { trunk } = plan;
    const endpoint = await this.endpoint(await this.addressFor(trunk));
    return endpoint.createCall({ trunk, dialUser: plan.dialUser, fromNumber: plan.fromNumber, serviceRoute: this.serviceRouteOf(trunk.trunkId) });
  }

  /** The endpoint whose sockets reach this trunk. */
  async towards(trunk: TrunkPlan): Promise<SipEndpoint> { return this.endpoint(await this.addressFor(trunk)); }

  async stop(): Promise<void> {
    this.stopWatching();
    await Promise.all([...this.endpoints.values()].map((endpoint) => endpoint.then((e) => e.stop(), () => undefined)));
  }

  /** Every address of the trunk's servers and of its outbound proxy. Rejects when one of them is not found. */
  async addressesOf(trunk: TrunkPlan): Promise<string[]> {
    const destinations = [trunk, ...(trunk.outboundProxy === undefined ? [] : [{ ...trunk, outboundProxy: undefined }])].map(trunkDestination);
    const found = await Promise.all(destinations.map((destination) => this.locator.locate(destination)));
    return found.flat().map(({ address }) => address);
  }

  private async addressFor(trunk: TrunkPlan): Promise<string> {
    if (this.options.advertisedAddress !== null) return this.options.advertisedAddress;
    return this.locator.locate(trunkDestination(trunk)).then(([{ address, port }]) => this.addressTowards(address, port), () => this.mainAddress);
  }

  private async addressTowards(address: string, port: number): Promise<string> {
    return this.options.advertisedAddress ?? localAddressTowards(address, port).catch(() => this.mainAddress);
  }

  private endpoint(address: string): Promise<SipEndpoint> {
    const known = this.endpoints.get(address);
    if (known) return known;
    const { sipPort, version, clock, logger, media, admission } = this.options;
    const { tls } = this;
    const started = SipEndpoint.start({
      transports: ['udp', 'tcp', 'tls', 'ws', 'wss'], bindAddress: isLocalAddress(address) ? address : wildcardOf(address),
      // Where any port will do, the one that is known already is best.
      port: sipPort || this.mainPort,
      listen: this.listenPorts(), ...(tls ? { tls } : {}), advertisedAddress: address, names: this.names,
      userAgent: `Dialfleet/${version}`, media: announcing(media, address), admission, clock, logger,
    });
    this.endpoints.set(address, started);
    started.then((endpoint) => { endpoint.onInvite((call) => (this.handler ? this.handler(call) : call.reject(480))); }, () => undefined);
    started.catch(() => { this.endpoints.delete(address); });
    return started;
  }

  private listenPorts(): Partial<Record<SipTransportName, number>> {
    const { tls, tlsPort, webSocketPort } = this.options;
    return {
      ...(tls && tlsPort !== undefined ? { tls: tlsPort } : {}),
      ...(webSocketPort == null ? {} : { [tls ? 'wss' : 'ws']: webSocketPort }),
    };
  }
}

const DEFAULT_PORT = 5060;
const wildcardOf = (address: string): string => (isIPv6(address) ? '::' : '0.0.0.0');

const settingOf: Record<SipPortError['transport'], string> = {
  udp: 'DIALFLEET_SIP_PORT', tcp: 'DIALFLEET_SIP_PORT', tls: 'DIALFLEET_SIP_TLS_PORT', ws: 'DIALFLEET_SIP_WS_PORT', wss: 'DIALFLEET_SIP_WS_PORT',
};

const sipPortProblem = (error: unknown): unknown =>
  (error instanceof SipPortError ? portProblem(error, settingOf[error.transport], `${error.transport.toUpperCase()} port ${error.port}`) : error);

/** RTP sockets are bound to every address; SDP must name the one the trunk can reach. */
const announcing = (media: MediaFactory, address: string): MediaFactory => ({
  open: async (): Promise<MediaSession> => {
    const session = await media.open({ family: isIPv6(address) ? 6 : 4 });
    const { port } = session.local;
    return new Proxy(session, {
      get: (target, property, receiver) => {
        if (property === 'local') return { address, port };
        const value: unknown = Reflect.get(target, property, receiver);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
  },
});
