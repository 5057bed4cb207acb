import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { CallLeg, CodecName, SipTransportName } from '@dialfleet/call';
import { errorMessage, systemClock, type Clock, type Logger } from '@dialfleet/kit';
import { Levels } from 'sip.js/lib/core/log/levels.js';
import { LoggerFactory } from 'sip.js/lib/core/log/logger-factory.js';
import type { IncomingInviteRequest } from 'sip.js/lib/core/messages/methods/invite.js';
import type { Contact } from 'sip.js/lib/core/user-agent-core/user-agent-core-configuration.js';
import { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import { URI } from 'sip.js/lib/grammar/uri.js';
import { DEFAULT_CODECS } from '../codecs/audio-codecs.js';
import type { MediaFactory } from '../media-session.js';
import { Admission } from './intake/admission.js';
import { callCredentials } from './auth/call-credentials.js';
import { SUPPORTED_EXTENSIONS } from './message/capabilities.js';
import { safeHost, safeText } from './message/header-safety.js';
import type { DigestSession } from './auth/digest-session.js';
import type { HostResolver } from './locate/host-resolver.js';
import { IncomingLeg, type IncomingCall } from './set-up/incoming-call.js';
import { PingedFlow, type HeldFlow, type KeepFlowOptions } from './transport/kept-flow.js';
import type { LossOptions } from './transport/lossy-socket.js';
import { MessageIntake } from './intake/message-intake.js';
import { uriHost } from './set-up/invite-headers.js';
import { addressesOnly, dnsNames, type NameService } from './locate/name-service.js';
import { openSockets } from './transport/open-socket.js';
import { pingByOptions, type OptionsAnswer } from './options-ping.js';
import { OutboundLeg, type OutboundCallOptions, type OutboundContext } from './set-up/outbound-leg.js';
import { queryOptions, type QueriedTrunk } from './options-query.js';
import { OwnAddress } from './transport/own-address.js';
import { RegistrarClient, type RegistrarOptions } from './registration/registrar-client.js';
import { applySipJsPatches, disposeCore, loseRequest } from './sip-js/sip-js-patches.js';
import { DnsLocator } from './locate/server-locator.js';
import { SipLadders } from './message/sip-ladder.js';
import { protocolOf, type FlowListener } from './transport/sip-socket.js';
import type { ServerLocator, ServerTls, SipTarget } from './locate/sip-target.js';
import { StandaloneRequests, type StandaloneAnswer } from './standalone-request.js';
import { keepAliveMsOf, TransportLayer } from './transport/transport-layer.js';

export interface SipEndpointOptions {
  /** The only transport, instead of `transports`. */
  transport?: SipTransportName;
  /** All share the endpoint's calls; the first is what `port` tells of. */
  transports?: readonly SipTransportName[];
  bindAddress: string;
  /** Of UDP and TCP; 0: any free one, the same for both. */
  port: number;
  /** TLS, WS and WSS listen where a port is given here (0: any free one); without one they only connect. */
  listen?: Partial<Record<SipTransportName, number>>;
  /** What we show where we listen for TLS or WSS. */
  tls?: ServerTls;
  /** What others reach us at (Via, Contact, From); default: the bind address, or a local one when that is a wildcard. */
  advertisedAddress?: string;
  userAgent: string;
  media: MediaFactory;
  clock?: Clock;
  logger: Logger;
  /** Codecs that we accept from callers, default PCMU and PCMA. */
  codecs?: readonly CodecName[];
  /** Loses messages on purpose: tests only. */
  loss?: LossOptions;
  /** Who may come in; default: everyone. One for all endpoints of a process. */
  admission?: Admission;
  /** Name service; default: the system's. */
  names?: NameService;
  /** Only addresses, instead of `names`. */
  resolver?: HostResolver;
  /** Finds the servers of a trunk; default: by `names`, those that can be reached from the bind address. */
  locator?: ServerLocator;
}

export type InviteHandler = (call: IncomingCall) => void | Promise<void>;

/** What is alive, and what was refused: for metrics and for tests that nothing is left behind. */
export interface SipEndpointStats {
  legs: number; dialogs: number; clientTransactions: number; serverTransactions: number; retransmitting: number;
  requestsRepeated: number; refusalsRepeated: number; messagesMalformed: number; messagesFailed: number; messagesRefused: number;
  messagesTurnedAway: number; ladders: number;
}

const CONTACT_USER = 'dialfleet';
/** How long stop() waits for the far ends' last words. */
const STOP_GRACE_MS = 4_000;
const PING_LIMIT_MS = 5_000;
/** One SIP user agent on the sockets of several transports: places calls and takes them. */
export class SipEndpoint {
  private readonly legs = new Set<OutboundLeg | IncomingLeg>();
  private readonly outbound = new Map<string, OutboundLeg>();
  private readonly ladders: SipLadders;
  private readonly requests: StandaloneRequests;
  private handler: InviteHandler | undefined;
  private stopping: Promise<void> | undefined;
  private refused = 0;
  private emptied: (() => void) | undefined;

  private constructor(private readonly options: SipEndpointOptions, private readonly core: UserAgentCore, private readonly transport: TransportLayer,
    /** Finds the servers of a destination. */
    readonly locator: ServerLocator, private readonly clock: Clock, private intake: MessageIntake | undefined = undefined) {
    this.ladders = new SipLadders(clock);
    this.requests = new StandaloneRequests({ core, transport, clock });
  }

  /** Rejects when the address cannot be bound. */
  static async start(options: SipEndpointOptions): Promise<SipEndpoint> {
    applySipJsPatches();
    safeText(options.userAgent, 'user agent');
    if (options.advertisedAddress !== undefined) safeHost(options.advertisedAddress, 'advertised address');
    const clock = options.clock ?? systemClock;
    const names = options.names ?? (options.resolver ? addressesOnly(options.resolver) : dnsNames(clock));
    const locator = options.locator ?? new DnsLocator({ clock, names, families: familiesOf(options.bindAddress) });
    const transports = transportsOf(options);
    const own = new OwnAddress(uriHost(options.advertisedAddress ?? reachableAddress(options.bindAddress)));
    const transport = new TransportLayer(clock, locator, own, transports[0]);
    const loggers = quietLoggers(options.logger);
    const core = new UserAgentCore(coreConfiguration(options, transport, transports[0], loggers));
    const endpoint = new SipEndpoint(options, core, transport, locator, clock);
    endpoint.intake = new MessageIntake(core, transport, {
      isOurs: (callId) => endpoint.ladders.has(callId),
      onReceived: (callId, text, source) => endpoint.ladders.add(callId, 'received', text, source, protocolOf[source.transport ?? 'udp']),
      onInformalProgress: (callId, status, branch) => endpoint.outbound.get(callId)?.informalProgress(status, branch),
    }, loggers.getLogger('sip.parser'), options.logger, options.admission ?? Admission.open(clock));
    transport.tap = { sent: (text, to) => endpoint.ladders.add(sentCallId(text), 'sent', text, to, protocolOf[to.transport]) };
    await openSockets(transport, { ...options, transports, clock }, endpoint.socketListener());
    endpoint.opened(transports[0]);
    return endpoint;
  }

  /** The bound port of the first transport; 0 when that only connects. */
  get port(): number { return this.core.configuration.contact.uri.port ?? 0; }

  /** What others are told to reach us at: a name or address, IPv6 without brackets. */
  get announcedAddress(): string { return this.transport.own.host.replace(/^\[|\]$/g, ''); }

  /** Where this transport listens; undefined when it only connects. */
  portOf(transport: SipTransportName): number | undefined { return this.transport.portOf(transport); }

  /** Throws UnsafeSipValueError when a value may not go onto the wire. Nothing is sent before `start()` of the leg. */
  createCall(options: OutboundCallOptions): CallLeg {
    if (this.stopping) throw new Error('the SIP endpoint is stopping');
    if (!this.transport.has(options.trunk.transport)) throw new Error(`a trunk over ${options.trunk.transport} needs an endpoint with that transport`);
    return new OutboundLeg(options, this.outboundContext());
  }

  /** Listeners show this certificate from the next handshake on; connections that exist stay. */
  renewTls(tls: ServerTls): void { this.transport.renew(tls); }

  /** Asks a server by OPTIONS whether it is there. Never rejects. */
  ping(target: SipTarget, limitMs = PING_LIMIT_MS): Promise<OptionsAnswer> {
    return pingByOptions(target, limitMs, { core: this.core, transport: this.transport, clock: this.clock, contactHeader: this.outboundContext().contactHeaderFor(target) });
  }

  /**
   * Keeps the way to a server open until released, as a registration needs it: a connection is made again with back-off
   * whenever it is lost; over UDP the server is asked by OPTIONS every `keepAliveSeconds`.
   */
  keepFlow(target: SipTarget, options: KeepFlowOptions = {}): HeldFlow {
    if (target.transport !== 'udp') return this.transport.keepConnection(target, options);
    const ask = async (): Promise<string | undefined> => {
      const answer = await this.ping(target);
      return answer.answered ? undefined : answer.reason;
    };
    return new PingedFlow({ ...options, clock: this.clock, everyMs: keepAliveMsOf(options), ping: ask });
  }

  /** Throws UnsafeSipValueError. */
  createRegistrar(options: RegistrarOptions): RegistrarClient {
    return new RegistrarClient(options, {
      requests: this.requests, locator: this.locator, contactPart: (target) => this.transport.own.contactPart(target), keepFlow: (target, use) => this.keepFlow(target, use),
    });
  }

  /** Asks a server of the trunk what it can do (RFC 3261 §11); never rejects. Throws UnsafeSipValueError. */
  queryOptions(trunk: QueriedTrunk, target: SipTarget, timeoutMs: number): Promise<StandaloneAnswer> {
    return queryOptions(trunk, target, timeoutMs, { requests: this.requests, localHost: this.transport.own.host, contactPart: (way) => this.transport.own.contactPart(way) });
  }

  /** Calls that arrive go to `handler`; without one they are refused with 480. */
  onInvite(handler: InviteHandler): void { this.handler = handler; }

  stats(): SipEndpointStats {
    const { dialogs, userAgentClients, userAgentServers } = this.core;
    const { retransmitter } = this.transport;
    return {
      legs: this.legs.size, dialogs: dialogs.size, clientTransactions: userAgentClients.size, serverTransactions: userAgentServers.size,
      retransmitting: retransmitter.size, requestsRepeated: retransmitter.counts.requests, refusalsRepeated: retransmitter.counts.responses,
      messagesMalformed: this.intake?.counts.malformed ?? 0, messagesFailed: this.intake?.counts.failed ?? 0, messagesRefused: this.refused,
      messagesTurnedAway: this.intake?.counts.turnedAway ?? 0, ladders: this.ladders.size,
    };
  }

  /** Hangs up every call and closes the socket; takes at most about `graceMs`. */
  stop(graceMs = STOP_GRACE_MS): Promise<void> {
    this.stopping ??= this.shutDown(graceMs);
    return this.stopping;
  }

  private async shutDown(graceMs: number): Promise<void> {
    for (const leg of [...this.legs]) leg.hangUp();
    if (this.legs.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.clock.after(graceMs, resolve);
        this.emptied = () => { cancel(); resolve(); };
      });
    }
    for (const leg of [...this.legs]) leg.abandon();
    this.requests.stop();
    disposeCore(this.core);
    await this.transport.close();
  }

  private socketListener(): FlowListener {
    return {
      onMessage: (text, source) => this.intake?.receive(text, source),
      onRefused: (reason, source) => {
        this.refused++;
        this.options.logger.debug('SIP message refused', { reason, from: source.address });
      },
      onError: (error) => this.options.logger.error('SIP socket failed', { error: error.message }),
      onFlowLost: (flow, reason) => this.transport.flowLost(flow, reason),
      isKnown: (address) => this.options.admission?.isKnown(address) ?? true,
    };
  }

  /** The ports are known: the main one belongs into Via and Contact, until the transport layer knows better. */
  private opened(main: SipTransportName): void {
    const { configuration } = this.core;
    configuration.contact.uri.port = this.transport.portOf(main);
    configuration.viaHost = this.transport.own.sentBy({ transport: main });
    configuration.authenticationFactory = () => callCredentials((callId) => this.digestOf(callId));
    this.transport.onRequestLost = (branch, method, reason) => loseRequest(this.core, branch, method, reason);
    this.core.delegate = {
      onInvite: (invite) => this.invited(invite),
      onMessage: (request) => { request.reject({ statusCode: 405 }); },
      onSubscribe: (request) => { request.reject({ statusCode: 405 }); },
    };
  }

  private outboundContext(): OutboundContext {
    const { contact } = this.core.configuration;
    return {
      core: this.core, transport: this.transport, locator: this.locator, clock: this.clock, logger: this.options.logger, media: this.options.media,
      localHost: contact.uri.host.replace(/^\[|\]$/g, ''), contactHeader: `Contact: ${contact}`,
      contactHeaderFor: (target) => `Contact: <sip:${CONTACT_USER}@${this.transport.own.contactPart(target)}>`,
      onLive: (leg) => { this.outbound.set(leg.callId, leg); this.live(leg); },
      onGone: (leg) => this.gone(leg), onClosing: (leg) => this.tellLadder(leg),
    };
  }

  private digestOf(callId: string): DigestSession | undefined {
    const leg = this.outbound.get(callId) ?? [...this.legs].find((live) => live.callId === callId);
    return leg ? leg.authentication : this.requests.digestOf(callId);
  }

  private invited(invite: IncomingInviteRequest): void {
    const arrival = this.intake?.arrivalOf(invite.message);
    if (!this.handler || !arrival || this.stopping) { invite.reject({ statusCode: this.stopping ? 503 : 480 }); return; }
    invite.trying();
    this.transport.aimBack(invite.message.callId, arrival.source);
    const leg = new IncomingLeg(invite, {
      arrival, media: this.options.media, codecs: this.options.codecs ?? DEFAULT_CODECS, logger: this.options.logger, clock: this.clock,
      contactHeader: `Contact: ${this.core.configuration.contact}`, onGone: (gone) => this.gone(gone), onClosing: (closing) => this.tellLadder(closing),
    });
    this.live(leg);
    this.ladders.add(leg.callId, 'received', arrival.text, arrival.source, protocolOf[arrival.source.transport ?? 'udp']);
    this.offer(leg, this.handler).catch((error: unknown) => {
      this.options.logger.error('handler of an incoming call failed', { callId: leg.callId, error: errorMessage(error) });
      leg.reject(500);
    });
  }

  private async offer(leg: IncomingLeg, handler: InviteHandler): Promise<void> { await handler(leg); }

  private live(leg: OutboundLeg | IncomingLeg): void {
    this.legs.add(leg);
    this.ladders.begin(leg.callId);
    leg.events.on('answered', () => { this.tellLadder(leg); });
  }

  private tellLadder(leg: OutboundLeg | IncomingLeg): void {
    const messages = this.ladders.take(leg.callId);
    if (messages.length > 0) leg.events.emit('ladder', { messages });
  }

  private gone(leg: OutboundLeg | IncomingLeg): void {
    this.tellLadder(leg);
    this.ladders.end(leg.callId);
    this.legs.delete(leg);
    if (this.outbound.get(leg.callId) === leg) this.outbound.delete(leg.callId);
    this.transport.release(leg.callId);
    if (this.legs.size === 0) this.emptied?.();
  }
}

function transportsOf({ transport, transports }: SipEndpointOptions): readonly SipTransportName[] {
  const names = transports ?? (transport === undefined ? [] : [transport]);
  if (names.length === 0) throw new Error('a SIP endpoint needs a transport');
  return names;
}

function coreConfiguration(options: SipEndpointOptions, transport: TransportLayer, main: SipTransportName, loggerFactory: LoggerFactory): UserAgentCore['configuration'] {
  const { host } = transport.own;
  const uri = new URI('sip', CONTACT_USER, host, undefined, main === 'udp' ? {} : { transport: main });
  const contact: Contact = { pubGruu: undefined, tempGruu: undefined, uri, toString: () => `<${uri}>` };
  return {
    aor: uri.clone(), contact, displayName: '', loggerFactory, hackViaTcp: false, routeSet: [], sipjsId: '', supportedOptionTags: [],
    supportedOptionTagsResponse: [...SUPPORTED_EXTENSIONS], userAgentHeaderFieldValue: options.userAgent, viaForceRport: main === 'udp', viaHost: host,
    authenticationFactory: () => undefined, transportAccessor: () => transport,
  };
}

/** Of a message that sip.js has written. */
function sentCallId(text: string): string {
  const at = text.indexOf('\r\nCall-ID: ');
  return at < 0 ? '' : text.slice(at + 11, text.indexOf('\r\n', at + 11));
}

/** sip.js logs every step; only what it calls an error is worth a line of ours, and at debug level. */
function quietLoggers(logger: Logger): LoggerFactory {
  const factory = new LoggerFactory();
  factory.builtinEnabled = false;
  factory.level = Levels.error;
  factory.connector = (level, category, _label, content) => {
    if (level === 'error') logger.debug('sip.js', { category, content });
  };
  return factory;
}

/** A socket bound to `::` speaks both. */
function familiesOf(bindAddress: string): readonly (4 | 6)[] {
  if (bindAddress === '::') return [4, 6];
  return isIPv6(bindAddress) ? [6] : [4];
}

/** A wildcard cannot be dialled: the first outward IPv4 address stands for it, else loopback. */
function reachableAddress(bindAddress: string): string {
  if (bindAddress !== '0.0.0.0' && bindAddress !== '::') return bindAddress;
  const outward = Object.values(networkInterfaces()).flat().find((address) => address && !address.internal && address.family === 'IPv4');
  return outward?.address ?? '127.0.0.1';
}
