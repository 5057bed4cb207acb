import type { CallLeg, CallPlan, TrunkPlan } from '@dialfleet/call';
import { errorMessage, Fault, portProblem, type Clock, type Logger } from '@dialfleet/kit';
import { SipEndpoint, type InviteHandler, type Admission, type MediaFactory, type MediaSession } from '@dialfleet/telephony';
import { isLocalAddress, localAddressTowards, primaryAddress } from './local-address.js';

export interface SipLegsOptions {
  /** Announced in SIP and SDP for every trunk; null: the local address that routes to the trunk. */
  advertisedAddress: string | null;
  /** 0: any. UDP and TCP share the number. */
  sipPort: number;
  version: string;
  media: MediaFactory;
  /** Who may come in. */
  admission: Admission;
  clock: Clock;
  logger: Logger;
}

/**
 * This worker's SIP sockets: one endpoint for each announced address. Those of the main address are
 * opened at start, so that a taken port is a start-up error; others (a trunk on loopback, say) when first needed.
 */
export class SipLegs {
  private readonly endpoints = new Map<string, Promise<SipEndpoint>>();
  private mainPort = 0;
  private handler: InviteHandler | undefined;

  private constructor(private readonly options: SipLegsOptions, readonly mainAddress: string) {}

  /** @throws SettingError when the SIP port cannot be had. */
  static async start(options: SipLegsOptions): Promise<SipLegs> {
    const legs = new SipLegs(options, options.advertisedAddress ?? primaryAddress());
    const main = await legs.endpoint(legs.mainAddress).catch((error: unknown) => {
      throw portProblem(error, 'DIALFLEET_SIP_PORT', `UDP and TCP port ${options.sipPort}`);
    });
    legs.mainPort = main.port;
    return legs;
  }

  /** Where INVITEs reach this worker: `address:port`, `[v6]:port`. */
  get sipAddress(): string { return `${this.mainAddress.includes(':') ? `[${this.mainAddress}]` : this.mainAddress}:${this.mainPort}`; }

  /** Calls that come in, over whichever socket. */
  onInvite(handler: InviteHandler): void { this.handler = handler; }

  /** Opens the socket on which a trunk reaches us, so that it can call before it was ever called. Never rejects. */
  async listenTowards(trunk: TrunkPlan): Promise<void> {
    try { await this.endpoint(await this.addressFor(trunk)); } catch (error) {
      this.options.logger.warn('no SIP socket towards a trunk', { trunk_id: trunk.trunkId, error: errorMessage(error) });
    }
  }

  async createLeg(plan: CallPlan): Promise<CallLeg> {
    const { trunk } = plan;
    if (trunk.transport !== 'udp' && trunk.transport !== 'tcp') throw new Fault(`transport ${trunk.transport} is not supported yet`, false);
    const endpoint = await this.endpoint(await this.addressFor(trunk));
    return endpoint.createCall({ trunk, dialUser: plan.dialUser, fromNumber: plan.fromNumber });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.endpoints.values()].map((endpoint) => endpoint.then((e) => e.stop(), () => undefined)));
  }

  private async addressFor(trunk: TrunkPlan): Promise<string> {
    return this.options.advertisedAddress ?? await localAddressTowards(trunk.host, trunk.port ?? 5060).catch(() => this.mainAddress);
  }

  private endpoint(address: string): Promise<SipEndpoint> {
    const known = this.endpoints.get(address);
    if (known) return known;
    const { sipPort, version, clock, logger, media, admission } = this.options;
    const started = SipEndpoint.start({
      transports: ['udp', 'tcp'], bindAddress: isLocalAddress(address) ? address : '0.0.0.0', port: sipPort, advertisedAddress: address,
      userAgent: `Dialfleet/${version}`, media: announcing(media, address), admission, clock, logger,
    });
    this.endpoints.set(address, started);
    started.then((endpoint) => { endpoint.onInvite((call) => (this.handler ? this.handler(call) : call.reject(480))); }, () => undefined);
    started.catch(() => { this.endpoints.delete(address); });
    return started;
  }
}

/** RTP sockets are bound to every address; SDP must name the one the trunk can reach. */
const announcing = (media: MediaFactory, address: string): MediaFactory => ({
  open: async (): Promise<MediaSession> => {
    const session = await media.open();
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
