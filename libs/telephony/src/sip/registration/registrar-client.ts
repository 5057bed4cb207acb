import { createHash } from 'node:crypto';
import type { TrunkPlan } from '@dialfleet/call';
import { errorMessage } from '@dialfleet/kit';
import type { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import { URI } from 'sip.js/lib/grammar/uri.js';
import { DigestSession } from '../auth/digest-session.js';
import { safeHost, safePort, safeText } from '../message/header-safety.js';
import { parseProxy, proxyRoute, trunkDestination, uriHost } from '../set-up/invite-headers.js';
import type { HeldFlow, KeepFlowOptions } from '../transport/kept-flow.js';
import { grantOf, minExpiresOf, serviceRouteOf } from './register-answer.js';
import type { RegisterResult } from './registration-machine.js';
import { retryAfterMs } from '../message/retry-after.js';
import type { ServerLocator, SipTarget } from '../locate/sip-target.js';
import { newCallId, newTag, type StandaloneAnswer, type StandaloneRequests } from '../standalone-request.js';

export type RegisteringTrunk = Pick<TrunkPlan,
  'trunkId' | 'host' | 'port' | 'transport' | 'username' | 'password' | 'fromDomain' | 'outboundProxy' | 'tls' | 'wsPath' | 'keepAliveSeconds'>;

export interface RegistrarContext {
  requests: StandaloneRequests;
  locator: ServerLocator;
  /** `host:port;transport=tls`: our Contact on the way to this target. */
  contactPart(target: SipTarget): string;
  /** Looks after a server over UDP, which no connection tells of: see SipEndpoint.keepFlow. */
  keepFlow(target: SipTarget, options: KeepFlowOptions): HeldFlow;
}

export interface RegistrarOptions {
  trunk: RegisteringTrunk;
  /** Tells the bindings of one worker process from those of others. Letters and digits. */
  instance: string;
  /** The connection that calls would come in over is gone, or the registrar was: register again. */
  onFlowLost?: (reason: string) => void;
}

/** One server of several gets this long; the last one, or the only one, the rest of a transaction's time. */
const NEXT_TARGET_AFTER_MS = 8_000;
const LAST_TARGET_AFTER_MS = 20_000;
const UNREGISTER_WITHIN_MS = 3_000;
const MAX_TARGETS = 4;
const MAX_STALE_REMOVED = 4;

/** The address of record: `username` may bring its domain with it. Throws UnsafeSipValueError. */
function addressOfRecord({ username = '', host, fromDomain }: RegisteringTrunk): URI {
  const at = username.lastIndexOf('@');
  const [user, domain] = at > 0 ? [username.slice(0, at), username.slice(at + 1)] : [username, fromDomain ?? host];
  return new URI('sip', safeText(user, 'username'), uriHost(safeHost(domain, 'domain of the registration')));
}

/** User part of the Contact: calls come to it. */
export const contactUserOf = (username: string): string => {
  const at = username.lastIndexOf('@');
  return encodeURIComponent(at > 0 ? username.slice(0, at) : username).replaceAll('%2B', '+');
};

/**
 * The REGISTERs of one trunk (RFC 3261 §10.2): one Call-ID and a rising CSeq, digest, 423, the servers of the trunk one
 * after the other. When to send them is for the caller to know, one at a time.
 */
export class RegistrarClient {
  private readonly callId = newCallId();
  private readonly fromTag = newTag();
  private readonly digest: DigestSession | undefined;
  private readonly aor: URI;
  private readonly registrar: URI;
  private readonly route: string[];
  private readonly family: string;
  private cseq = 0;
  /** The server that answered last is asked first. */
  private last: SipTarget | undefined;
  private watched: { target: SipTarget; flow: HeldFlow } | undefined;
  private stale: string[] = [];

  /** Throws UnsafeSipValueError. */
  constructor(private readonly options: RegistrarOptions, private readonly context: RegistrarContext) {
    const { trunk } = options;
    const { host, port, transport, username, password } = trunk;
    this.aor = addressOfRecord(trunk);
    this.registrar = new URI('sip', '', uriHost(safeHost(host, 'trunk host')), port === undefined ? undefined : safePort(port, 'trunk port'), transport === 'udp' ? {} : { transport });
    this.route = trunk.outboundProxy === undefined ? [] : [proxyRoute(parseProxy(trunk.outboundProxy), transport)];
    this.digest = username === undefined || password === undefined ? undefined : new DigestSession({ username: safeText(username, 'username'), password: safeText(password, 'password') });
    this.family = createHash('sha256').update(trunk.trunkId).digest('hex').slice(0, 12);
  }

  /** Makes or refreshes the binding; never rejects. */
  async register(expiresSeconds: number): Promise<RegisterResult> {
    let targets: SipTarget[];
    try { targets = await this.targets(); } catch (error) { return { outcome: 'unanswered', reason: errorMessage(error) }; }
    let worst: RegisterResult = { outcome: 'unanswered', reason: 'the trunk has no server' };
    for (const [i, target] of targets.entries()) {
      worst = await this.registerAt(target, expiresSeconds, i === targets.length - 1 ? LAST_TARGET_AFTER_MS : NEXT_TARGET_AFTER_MS);
      if (!shouldTryNext(worst)) return worst;
      this.context.locator.failed(target, worst.outcome === 'refused' ? worst.retryAfterMs : undefined);
    }
    return worst;
  }

  /** Takes our binding away again, if the registrar can be reached at once. Never rejects. */
  async unregister(): Promise<void> {
    if (this.last) await this.ask(this.last, [this.contact(this.last), 'Expires: 0'], UNREGISTER_WITHIN_MS);
    this.close();
  }

  /** Asks for the bindings without touching them (RFC 3261 §10.2.3): do the credentials hold? */
  async query(target: SipTarget, timeoutMs: number): Promise<StandaloneAnswer> {
    const answer = await this.ask(target, [], timeoutMs);
    this.close();
    return answer;
  }

  /** Lets the way to the registrar go. */
  close(): void {
    this.watched?.flow.release();
    this.watched = undefined;
    this.context.requests.release(this.callId);
  }

  private async targets(): Promise<SipTarget[]> {
    const found = (await this.context.locator.locate(trunkDestination(this.options.trunk))).slice(0, MAX_TARGETS);
    const { last } = this;
    const known = last && found.find((target) => sameServer(target, last));
    return known ? [known, ...found.filter((target) => target !== known)] : found;
  }

  private async registerAt(target: SipTarget, wantedSeconds: number, timeoutMs: number): Promise<RegisterResult> {
    let seconds = wantedSeconds;
    for (let attempt = 0; ; attempt++) {
      const answer = await this.ask(target, [this.contact(target), ...this.removals(), `Expires: ${seconds}`], timeoutMs);
      if (!answer.answered) return { outcome: 'unanswered', reason: `${nameOf(target)}: ${answer.reason}` };
      const { message } = answer;
      if (isSuccess(message)) return this.granted(target, message, seconds);
      const longer = message.statusCode === 423 ? minExpiresOf(message.getHeader('min-expires')) : undefined;
      // RFC 3261 §10.2.8; one that asks for ever more is refused.
      if (longer === undefined || longer <= seconds || attempt >= 2) return refusal(message, this.digest !== undefined);
      seconds = longer;
    }
  }

  private granted(target: SipTarget, message: IncomingResponseMessage, askedSeconds: number): RegisterResult {
    const { expiresSeconds, stale } = grantOf(message.getHeaders('contact'), message.getHeader('expires'), { family: this.family, instance: this.options.instance }, askedSeconds);
    this.last = target;
    this.stale = stale;
    if (target.transport === 'udp') this.watch(target);
    const sipStatus = message.statusCode ?? 200;
    if (expiresSeconds === 0) return { outcome: 'refused', sipStatus, reason: 'the registrar keeps the registration for 0 s' };
    return { outcome: 'registered', sipStatus, reason: message.reasonPhrase ?? '', expiresSeconds, serviceRoute: serviceRouteOf(message.getHeaders('service-route')), server: nameOf(target) };
  }

  /** A registrar that was away may have forgotten us: when it is back, it is told again. One that never answers OPTIONS is not judged by it. */
  private watch(target: SipTarget): void {
    if (this.watched && sameServer(this.watched.target, target)) return;
    this.watched?.flow.release();
    let wasDown = false;
    const flow = this.context.keepFlow(target, {
      keepAliveSeconds: this.options.trunk.keepAliveSeconds,
      onDown: () => { wasDown = true; },
      onUp: () => { if (wasDown) this.options.onFlowLost?.('the registrar was away'); wasDown = false; },
    });
    this.watched = { target, flow };
  }

  private async ask(target: SipTarget, headers: string[], timeoutMs: number): Promise<StandaloneAnswer> {
    const answer = await this.context.requests.send({
      method: 'REGISTER', uri: this.registrar, from: this.aor, to: this.aor, callId: this.callId, fromTag: this.fromTag, cseq: this.cseq + 1, headers,
      route: this.route, optionTags: ['path'], target, keepAliveSeconds: this.options.trunk.keepAliveSeconds, digest: this.digest, timeoutMs,
      onFlowLost: this.options.onFlowLost,
    });
    this.cseq = answer.cseq;
    return answer;
  }

  /** `rinstance` tells our binding from those of others, our own predecessors' among them. */
  private contact(target: SipTarget): string {
    return `Contact: <sip:${contactUserOf(this.options.trunk.username ?? '')}@${this.context.contactPart(target)};rinstance=${this.family}.${this.options.instance}>`;
  }

  /** Workers that died left bindings that would ring nobody. */
  private removals(): string[] {
    const headers = this.stale.slice(0, MAX_STALE_REMOVED).map((uri) => `Contact: <${safeText(uri, 'contact')}>;expires=0`);
    this.stale = [];
    return headers;
  }
}

const isSuccess = ({ statusCode = 0 }: IncomingResponseMessage): boolean => statusCode >= 200 && statusCode < 300;
const sameServer = (a: SipTarget, b: SipTarget): boolean => a.address === b.address && a.port === b.port && a.transport === b.transport;
const nameOf = ({ transport, address, port }: SipTarget): string => `${transport}:${uriHost(address)}:${port}`;
/** RFC 3263 §4.3: silence, a transport that fails, and 503. */
const shouldTryNext = (result: RegisterResult): boolean => result.outcome === 'unanswered' || (result.outcome === 'refused' && result.sipStatus === 503);

function refusal(message: IncomingResponseMessage, hasCredentials: boolean): RegisterResult {
  const sipStatus = message.statusCode ?? 500;
  const asked = retryAfterMs(message);
  return { outcome: 'refused', sipStatus, reason: whyRefused(sipStatus, message.reasonPhrase ?? '', hasCredentials), ...(asked === undefined ? {} : { retryAfterMs: asked }) };
}

function whyRefused(sipStatus: number, phrase: string, hasCredentials: boolean): string {
  if (sipStatus === 401 || sipStatus === 407) return hasCredentials ? `${phrase}: the registrar does not accept username and password` : `${phrase}: the registrar wants a password`;
  return phrase;
}
