import type { InboundRequest } from '@dialfleet/fleet';
import type { IncomingCall } from '@dialfleet/telephony';

/** Besides `X-…`: what carriers and PBXs say about a call (RFC 3325, 5806, 7044, 7315, 7433). */
const TELLING = new Set(['diversion', 'history-info', 'p-asserted-identity', 'p-preferred-identity', 'remote-party-id', 'p-called-party-id', 'p-charging-vector',
  'user-to-user', 'call-info', 'alert-info', 'subject', 'organization', 'accept-language', 'user-agent']);
/** They name a caller who wants to stay unknown. */
const NAMING = new Set(['p-asserted-identity', 'p-preferred-identity', 'remote-party-id', 'p-charging-vector', 'history-info']);
const MAX_VALUE = 1024;

type Call = Pick<IncomingCall, 'callId' | 'toUser' | 'fromUser' | 'headers'>;

/**
 * What a gateway is asked about a caller.
 * @param contactUsers user parts under which those trunks are registered: a call to one of them names its number elsewhere
 */
export function inboundRequest(call: Call, worker: { workerId: string; epoch: string }, trunkIds: readonly string[], contactUsers: ReadonlySet<string> = new Set()): InboundRequest {
  const withheld = isWithheld(call);
  const alsoCalled = contactUsers.has(call.toUser) ? [userOf(call.headers['p-called-party-id']), userOf(call.headers['to'])].filter((user) => user !== undefined) : [];
  return {
    ...worker, trunkIds: [...trunkIds], calledUser: call.toUser, ...(alsoCalled.length === 0 ? {} : { alsoCalled }), callerUser: withheld ? '' : callerOf(call), sipCallId: call.callId, fromTag: fromTag(call.headers),
    headers: Object.fromEntries(Object.entries(call.headers).filter(([name]) => name.startsWith('x-') || (TELLING.has(name) && !(withheld && NAMING.has(name))))
      .map(([name, value]) => [name, value.slice(0, MAX_VALUE)])),
  };
}

/** RFC 3323 §4.2 and §4.1.1.3: the caller asks not to be named, or From says so. */
const isWithheld = ({ headers, fromUser }: Call): boolean =>
  /(?:^|[;,\s])(?:id|user|header)(?:$|[;,\s])/i.test(headers['privacy'] ?? '') || /^anonymous$/i.test(fromUser) || /@anonymous\.invalid\b/i.test(headers['from'] ?? '');

/** The carrier's word goes before the caller's own (RFC 3325 §9.1). */
const callerOf = ({ headers, fromUser }: Call): string => userOf(headers['p-asserted-identity']) ?? fromUser;

/** `"Ann" <sip:+1415@host;user=phone>, <tel:+1415>` → `+1415`. */
const userOf = (value: string | undefined): string | undefined => /<?\s*(?:sips?|tel):([^@;>?,\s]+)/i.exec(value ?? '')?.[1];

const fromTag = (headers: Readonly<Record<string, string>>): string => /;\s*tag\s*=\s*([^;\s,>]+)/i.exec(headers['from'] ?? '')?.[1] ?? '';
