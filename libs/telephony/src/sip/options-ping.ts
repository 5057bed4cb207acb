import { randomBytes } from 'node:crypto';
import { within, type Clock } from '@dialfleet/kit';
import type { IncomingResponse } from 'sip.js/lib/core/messages/incoming-response.js';
import type { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import type { UserAgentClient } from 'sip.js/lib/core/user-agents/user-agent-client.js';
import { URI } from 'sip.js/lib/grammar/uri.js';
import { uriHost } from './set-up/invite-headers.js';
import type { SipTarget } from './locate/sip-target.js';
import type { TransportLayer } from './transport/transport-layer.js';

/** What a server said to OPTIONS (RFC 3261 §11); any answer means that it is there. */
export type OptionsAnswer =
  | { answered: true; sipStatus: number; reason: string; headers: Readonly<Record<string, string>>; afterMs: number }
  /** In plain words: not reached, no answer, a certificate that is wrong. */
  | { answered: false; reason: string };

export interface OptionsPingContext { core: UserAgentCore; transport: TransportLayer; clock: Clock; contactHeader: string }

/** Asks a server whether it is there. Never rejects; takes at most `limitMs`. */
export async function pingByOptions(target: SipTarget, limitMs: number, { core, transport, clock, contactHeader }: OptionsPingContext): Promise<OptionsAnswer> {
  const host = uriHost(target.hostname);
  const uri = new URI('sip', undefined as unknown as string, host, target.port, target.transport === 'udp' ? {} : { transport: target.transport });
  const from = new URI('sip', 'ping', uriHost(core.configuration.contact.uri.host.replace(/^\[|\]$/g, '')));
  const callId = randomBytes(15).toString('hex');
  const request = core.makeOutgoingRequestMessage('OPTIONS', uri, from, uri, { callId }, [contactHeader, 'Accept: application/sdp']);
  transport.aim(callId, target, { keepAliveSeconds: 0, tcpForLargeRequests: false });
  const startedMs = clock.monotonicMs();
  let dispose: () => void = () => undefined;
  const answer = new Promise<OptionsAnswer>((resolve) => {
    const heard = ({ message }: IncomingResponse): void => {
      // A response without text was made up by sip.js (RFC 3261 §8.1.3.1).
      if (message.data === undefined) { resolve({ answered: false, reason: whyNot(transport, request.branch, message.statusCode) }); return; }
      const headers = Object.fromEntries(Object.entries(message.headers).map(([name, values]) => [name.toLowerCase(), values[0]?.raw ?? '']));
      resolve({ answered: true, sipStatus: message.statusCode ?? 0, reason: message.reasonPhrase ?? '', headers, afterMs: clock.monotonicMs() - startedMs });
    };
    const client = core.request(request, { onAccept: heard, onRedirect: heard, onReject: heard });
    dispose = () => { (client as UserAgentClient).dispose(); };
  });
  const told = await within(clock, limitMs, answer);
  transport.release(callId);
  if (told) return told;
  transport.retransmitter.forget(request.branch ?? '', 'OPTIONS');
  core.userAgentClients.delete(`${request.branch}OPTIONS`);
  dispose();
  return { answered: false, reason: `no answer to OPTIONS within ${limitMs / 1_000} s` };
}

const whyNot = (transport: TransportLayer, branch: string | undefined, sipStatus: number | undefined): string =>
  transport.takeSendError(branch ?? '') ?? (sipStatus === 408 ? 'no answer to OPTIONS' : 'it could not be sent');
