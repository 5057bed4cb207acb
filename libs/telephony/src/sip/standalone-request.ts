import { randomBytes } from 'node:crypto';
import { errorMessage, type Clock } from '@dialfleet/kit';
import type { IncomingResponse } from 'sip.js/lib/core/messages/incoming-response.js';
import type { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import type { OutgoingRequest } from 'sip.js/lib/core/messages/outgoing-request.js';
import type { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import type { URI } from 'sip.js/lib/grammar/uri.js';
import { ALLOW_HEADER } from './message/capabilities.js';
import type { DigestSession } from './auth/digest-session.js';
import type { SipTarget } from './locate/sip-target.js';
import type { TransportLayer } from './transport/transport-layer.js';

/** A request that makes no dialog and belongs to none: REGISTER, OPTIONS. */
export interface StandaloneRequest {
  method: 'REGISTER' | 'OPTIONS';
  uri: URI;
  from: URI;
  to: URI;
  callId: string;
  fromTag: string;
  cseq: number;
  headers: readonly string[];
  route?: readonly string[];
  optionTags?: readonly string[];
  target: SipTarget;
  keepAliveSeconds?: number;
  /** While the way is kept: its connection is gone. */
  onFlowLost?: (reason: string) => void;
  digest?: DigestSession;
  timeoutMs: number;
}

export type StandaloneAnswer =
  | { answered: true; message: IncomingResponseMessage; /** Of the last request sent: challenges count it up. */ cseq: number }
  | { answered: false; reason: string; cseq: number };

export interface StandaloneContext { core: UserAgentCore; transport: TransportLayer; clock: Clock }

export const newCallId = (): string => randomBytes(15).toString('hex');
export const newTag = (): string => randomBytes(8).toString('hex');

/** Sends such requests, and knows which credentials belong to which. */
export class StandaloneRequests {
  private readonly digests = new Map<string, DigestSession>();
  private readonly open = new Set<() => void>();

  constructor(private readonly context: StandaloneContext) {}

  digestOf(callId: string): DigestSession | undefined { return this.digests.get(callId); }

  /** Resolves with the final answer to the last of the requests that challenges made necessary. Never rejects. */
  send(request: StandaloneRequest): Promise<StandaloneAnswer> {
    const { core, transport, clock } = this.context;
    const { method, uri, from, to, callId, fromTag, cseq, target, keepAliveSeconds, digest, timeoutMs } = request;
    return new Promise((resolve) => {
      const message = core.makeOutgoingRequestMessage(method, uri, from, to,
        { callId, fromTag, cseq, optionTags: [...request.optionTags ?? []], routeSet: [...request.route ?? []] }, [...request.headers, ALLOW_HEADER]);
      if (digest) this.digests.set(callId, digest);
      const sendError = (): string | undefined => (message.branch === undefined ? undefined : transport.takeSendError(message.branch));
      const finish = (answer: { answered: true; message: IncomingResponseMessage } | { answered: false; reason: string }): void => {
        if (!this.open.delete(abandon)) return;
        cancel();
        this.digests.delete(callId);
        resolve({ ...answer, cseq: message.cseq });
      };
      const heard = ({ message: response }: IncomingResponse): void => {
        // sip.js makes a response up when timer F runs out or the transport fails (RFC 3261 §8.1.3.1): it has no text.
        if (response.data === undefined) finish({ answered: false, reason: sendError() ?? (response.statusCode === 408 ? 'no answer' : 'it could not be sent') });
        else finish({ answered: true, message: response });
      };
      let client: OutgoingRequest | undefined;
      const abandon = (): void => {
        client?.dispose();
        if (message.branch !== undefined) {
          core.userAgentClients.delete(`${message.branch}${method}`);
          transport.retransmitter.forget(message.branch, method);
        }
        finish({ answered: false, reason: sendError() ?? `no answer within ${timeoutMs / 1000} s` });
      };
      const cancel = clock.after(timeoutMs, abandon);
      this.open.add(abandon);
      transport.aim(callId, target, { keepAliveSeconds, onFlowLost: request.onFlowLost });
      try {
        client = core.request(message, { onAccept: heard, onRedirect: heard, onReject: heard });
      } catch (error) {
        finish({ answered: false, reason: errorMessage(error) });
      }
    });
  }

  /** The way to the target is kept alive no longer. */
  release(callId: string): void { this.context.transport.release(callId); }

  stop(): void { for (const abandon of [...this.open]) abandon(); }
}
