import type { IncomingRequestMessage } from 'sip.js/lib/core/messages/incoming-request-message.js';
import type { UserAgentServer } from 'sip.js/lib/core/user-agents/user-agent-server.js';

type Identified = Pick<IncomingRequestMessage, 'callId' | 'fromTag' | 'cseq'>;

/**
 * The server transactions of a core, by branch. For each new request sip.js walks all of them, through `values()`, in
 * search of one with the same Call-ID, From tag and CSeq (a merged request, RFC 3261 §8.2.2.2); at hundreds of calls a
 * second that walk costs more than the calls. Here `values()` yields only those that could match the request announced
 * by `receiving`.
 */
export class ServerTransactionIndex extends Map<string, UserAgentServer> {
  private readonly byRequest = new Map<string, Set<UserAgentServer>>();
  private candidates: Iterable<UserAgentServer> = [];

  /** To be called before a request is handed to sip.js. */
  receiving(request: Identified): void { this.candidates = this.byRequest.get(identity(request)) ?? []; }

  override values(): ReturnType<Map<string, UserAgentServer>['values']> {
    return [...this.candidates].values() as ReturnType<Map<string, UserAgentServer>['values']>;
  }

  override set(branch: string, server: UserAgentServer): this {
    const key = identity(server.message);
    const known = this.byRequest.get(key);
    if (known) known.add(server); else this.byRequest.set(key, new Set([server]));
    return super.set(branch, server);
  }

  override delete(branch: string): boolean {
    const server = this.get(branch);
    if (server) this.forget(server);
    return super.delete(branch);
  }

  override clear(): void {
    this.byRequest.clear();
    super.clear();
  }

  private forget(server: UserAgentServer): void {
    const key = identity(server.message);
    const known = this.byRequest.get(key);
    known?.delete(server);
    if (known?.size === 0) this.byRequest.delete(key);
  }
}

const identity = ({ callId, fromTag, cseq }: Identified): string => `${callId}\n${fromTag}\n${cseq}`;
