import type { TrunkPlan } from '@dialfleet/call';
import type { OutgoingRequestMessage } from 'sip.js/lib/core/messages/outgoing-request-message.js';
import type { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import type { URI } from 'sip.js/lib/grammar/uri.js';
import { ALLOW_HEADER } from '../message/capabilities.js';
import { safeHeaders, safeText } from '../message/header-safety.js';
import { identityHeaders, parseProxy, proxyRoute, requestUri, type IdentityHeaders } from './invite-headers.js';
import { randomToken } from '../random-token.js';
import { RELIABLE } from './reliable-provisional.js';
import { requestHeaders, type SessionTimerPolicy } from '../in-call/session-timer.js';
import { sdpBody } from '../message/sip-body.js';
import type { SipTarget } from '../locate/sip-target.js';

export interface InviteOptions {
  trunk: Pick<TrunkPlan, 'host' | 'port' | 'transport' | 'fromDomain' | 'outboundProxy' | 'identityHeader' | 'privacy' | 'reliableProvisional'>;
  /** User part of the request URI and of To. */
  dialUser: string;
  /** User part of From. */
  fromNumber: string;
  displayName?: string;
  /** Route values that the registrar gave with the registration (RFC 3608 §5): after the outbound proxy's. */
  serviceRoute?: readonly string[];
  /** Further header fields of the INVITE. */
  headers?: Readonly<Record<string, string>>;
}

export interface WriterContext {
  core: UserAgentCore;
  callId: string;
  localHost: string;
  contactHeaderFor(target: SipTarget): string;
}

/** RFC 6228: tell us when a forked branch ends. */
const EARLY_DIALOG_TERMINATED = '199';

/** Writes the INVITEs of one call: the same call to every server, each with a CSeq of its own (RFC 3261 §8.1.3.5). */
export class InviteWriter {
  private readonly fromTag = randomToken(8);
  private readonly identity: IdentityHeaders;
  private readonly route: readonly string[];
  private readonly extraHeaders: readonly string[];
  private readonly to: URI;
  private last: OutgoingRequestMessage | undefined;

  /** Throws UnsafeSipValueError. */
  constructor(private readonly options: InviteOptions, private readonly context: WriterContext) {
    const { trunk, fromNumber, displayName, dialUser, headers, serviceRoute = [] } = options;
    this.identity = identityHeaders({ trunk, number: fromNumber, displayName, localHost: context.localHost });
    const proxy = trunk.outboundProxy === undefined ? [] : [proxyRoute(parseProxy(trunk.outboundProxy), trunk.transport)];
    this.route = [...proxy, ...serviceRoute.map((value) => safeText(value, 'service route'))];
    this.extraHeaders = safeHeaders(headers ?? {});
    this.to = requestUri(dialUser, { host: trunk.host, transport: 'udp' });
  }

  write(uri: URI, target: SipTarget, offer: string, timer: SessionTimerPolicy): OutgoingRequestMessage {
    const { core, callId, contactHeaderFor } = this.context;
    const { from, displayName, headers } = this.identity;
    const { reliableProvisional = 'supported' } = this.options.trunk;
    const optionTags = [...core.configuration.supportedOptionTags, ...(reliableProvisional === 'off' ? [] : [RELIABLE]), EARLY_DIALOG_TERMINATED,
      ...(timer.intervalSeconds > 0 ? ['timer'] : [])];
    const required = reliableProvisional === 'required' ? [`Require: ${RELIABLE}`] : [];
    const cseq = (this.last?.cseq ?? 0) + 1;
    this.last = core.makeOutgoingRequestMessage('INVITE', uri, from, this.to,
      { callId, cseq, fromTag: this.fromTag, fromDisplayName: displayName, optionTags, routeSet: [...this.route] },
      [...this.extraHeaders, ...headers, contactHeaderFor(target), ALLOW_HEADER, ...required, ...requestHeaders(timer)], sdpBody(offer));
    return this.last;
  }
}

