import { silentLogger, VirtualClock } from '@dialfleet/kit';
import type { OutboundCallOptions } from '../set-up/outbound-leg.js';
import { SipEndpoint, type SipEndpointOptions } from '../sip-endpoint.js';
import type { ServerLocator, SipDestination, SipTarget } from '../locate/sip-target.js';
import { FakeMedia } from './fake-media.js';
import { LegObserver } from './leg-observer.js';
import { ScriptedPeer } from './scripted-peer.js';

const cleanUps: (() => Promise<unknown>)[] = [];

/** After each test. */
export async function endCalls(): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await ScriptedPeer.closeAll();
}

export async function startEndpoint(options: Partial<SipEndpointOptions> = {}): Promise<{ sip: SipEndpoint; media: FakeMedia }> {
  const media = new FakeMedia();
  const sip = await SipEndpoint.start({ transport: 'udp', bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media, logger: silentLogger, ...options });
  cleanUps.push(() => {
    const stopped = sip.stop(20);
    if (options.clock instanceof VirtualClock) options.clock.advance(20);
    return stopped;
  });
  return { sip, media };
}

/** Every name is served by these UDP ports on loopback, in this order. */
export class FixedLocator implements ServerLocator {
  readonly asked: SipDestination[] = [];
  readonly failures: { port: number; forMs: number | undefined }[] = [];

  constructor(readonly ports: readonly number[]) {}

  locate(destination: SipDestination): Promise<SipTarget[]> {
    this.asked.push(destination);
    return Promise.resolve(this.ports.map((port) => ({ transport: destination.transport, address: '127.0.0.1', port, hostname: destination.host })));
  }

  failed({ port }: SipTarget, forMs?: number): void { this.failures.push({ port, forMs }); }
}

export type CallOptions = Partial<Omit<OutboundCallOptions, 'trunk'>> & { trunk?: Partial<OutboundCallOptions['trunk']>; endpoint?: Partial<SipEndpointOptions> };
export interface DialledCall { sip: SipEndpoint; media: FakeMedia; peer: ScriptedPeer; caller: LegObserver; invite: string }

const number = { dialUser: '+14155550123', fromNumber: '+14155550100' };

/** A call of ours to a peer that speaks by hand: it has our INVITE. */
export async function dial({ trunk, endpoint, ...more }: CallOptions = {}): Promise<DialledCall> {
  const { sip, media } = await startEndpoint(endpoint);
  const peer = await ScriptedPeer.open();
  const caller = new LegObserver(sip.createCall({ ...number, ...more, trunk: { host: '127.0.0.1', port: peer.port, transport: 'udp', codecs: ['PCMU', 'PCMA'], ...trunk } }));
  await caller.leg.start();
  return { sip, media, peer, caller, invite: await peer.next('INVITE') };
}

export interface CallToServers { sip: SipEndpoint; media: FakeMedia; peers: ScriptedPeer[]; caller: LegObserver; locator: FixedLocator; clock: VirtualClock }

/** A call to a host with several servers, on a virtual clock. */
export async function dialServers(count: number, { trunk, endpoint, ...more }: CallOptions = {}): Promise<CallToServers> {
  const clock = new VirtualClock();
  const peers = await Promise.all(Array.from({ length: count }, () => ScriptedPeer.open()));
  const locator = new FixedLocator(peers.map(({ port }) => port));
  const { sip, media } = await startEndpoint({ clock, locator, ...endpoint });
  const caller = new LegObserver(sip.createCall({ ...number, ...more, trunk: { host: 'trunk.example', transport: 'udp', codecs: ['PCMU', 'PCMA'], ...trunk } }));
  await caller.leg.start();
  return { sip, media, peers, caller, locator, clock };
}
