import type { TrunkPlan } from '@dialfleet/call';
import { URI } from 'sip.js/lib/grammar/uri.js';
import { ACCEPT_HEADER } from './message/capabilities.js';
import { DigestSession } from './auth/digest-session.js';
import { safeHost, safePort, safeText } from './message/header-safety.js';
import { parseProxy, proxyRoute, uriHost } from './set-up/invite-headers.js';
import type { SipTarget } from './locate/sip-target.js';
import { newCallId, newTag, type StandaloneAnswer, type StandaloneRequests } from './standalone-request.js';

export type QueriedTrunk = Pick<TrunkPlan, 'host' | 'port' | 'transport' | 'username' | 'password' | 'fromDomain' | 'outboundProxy'>;

export interface OptionsContext {
  requests: StandaloneRequests;
  /** Host of From where the trunk names none; IPv6 in brackets. */
  localHost: string;
  contactPart(target: SipTarget): string;
}

const USER = 'dialfleet';

/** OPTIONS to one server of a trunk (RFC 3261 §11.1). */
export async function queryOptions(trunk: QueriedTrunk, target: SipTarget, timeoutMs: number, { requests, localHost, contactPart }: OptionsContext): Promise<StandaloneAnswer> {
  const { host, port, transport, username, password, fromDomain, outboundProxy } = trunk;
  const uri = new URI('sip', '', uriHost(safeHost(host, 'trunk host')), port === undefined ? undefined : safePort(port, 'trunk port'), transport === 'udp' ? {} : { transport });
  const from = new URI('sip', USER, fromDomain === undefined ? localHost : uriHost(safeHost(fromDomain, 'from domain')));
  const callId = newCallId();
  const answer = await requests.send({
    method: 'OPTIONS', uri, from, to: uri, callId, fromTag: newTag(), cseq: 1, headers: [`Contact: <sip:${USER}@${contactPart(target)}>`, ACCEPT_HEADER],
    route: outboundProxy === undefined ? [] : [proxyRoute(parseProxy(outboundProxy), transport)], target, timeoutMs,
    ...(username === undefined || password === undefined ? {} : { digest: new DigestSession({ username: safeText(username, 'username'), password: safeText(password, 'password') }) }),
  });
  requests.release(callId);
  return answer;
}
