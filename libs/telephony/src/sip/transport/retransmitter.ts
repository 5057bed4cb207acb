import type { Clock } from '@dialfleet/kit';
import { isReliable, type Hop } from './sip-socket.js';
import type { WireMessage } from '../message/wire.js';

/** RFC 3261 §17.1.1.1 */
export const T1_MS = 500;
export const T2_MS = 4_000;
/** Timers B, D, F, H, J: after this a transaction is given up. */
export const TRANSACTION_TIMEOUT_MS = 64 * T1_MS;

/** `answered`: at least provisionally. */
export interface PendingRequest { branch: string; method: string; text: string; to: Hop; answered: boolean }
interface ClientEntry extends PendingRequest { invite: boolean; final: boolean; intervalMs: number; deadlineMs: number; cancel: () => void }
interface ServerEntry { intervalMs: number; deadlineMs: number; cancel: () => void }

/**
 * Timers A, E and G (RFC 3261 §17), which sip.js leaves to the transport, and the memory of where each INVITE went: its
 * CANCEL and the ACK to its refusal go to the same place (§9.1, §17.1.1.3). Messages over reliable transports need only the memory.
 */
export class Retransmitter {
  private readonly clients = new Map<string, ClientEntry>();
  private readonly servers = new Map<string, ServerEntry>();
  readonly counts = { requests: 0, responses: 0 };

  constructor(private readonly clock: Clock, private readonly resend: (text: string, to: Hop) => void,
    /** A request over a reliable transport got no answer at all. */
    private readonly onUnanswered: (to: Hop, sentMs: number) => void = () => undefined) {}

  /** Transactions remembered: for tests and metrics. */
  get size(): number { return this.clients.size + this.servers.size; }

  requestSent(message: WireMessage, to: Hop): void {
    if (message.method === 'ACK' || message.branch === undefined) return;
    const key = clientKey(message.branch, message.cseqMethod);
    this.clients.get(key)?.cancel();
    const entry: ClientEntry = {
      branch: message.branch, method: message.cseqMethod, text: message.text, to, invite: message.method === 'INVITE', answered: false, final: false, intervalMs: T1_MS,
      deadlineMs: this.clock.monotonicMs() + TRANSACTION_TIMEOUT_MS, cancel: () => undefined,
    };
    this.clients.set(key, entry);
    if (!isReliable(to.transport)) this.scheduleRequest(key, entry);
    else entry.cancel = this.clock.after(TRANSACTION_TIMEOUT_MS, () => this.expired(key, entry));
  }

  /** Where the INVITE of this branch went. */
  inviteDestination(branch: string | undefined): Hop | undefined {
    return branch === undefined ? undefined : this.clients.get(clientKey(branch, 'INVITE'))?.to;
  }

  responseReceived(message: WireMessage): void {
    if (message.branch === undefined || message.status === undefined) return;
    const key = clientKey(message.branch, message.cseqMethod);
    const entry = this.clients.get(key);
    if (!entry) return;
    entry.answered = true;
    if (message.status < 200) return this.provisionalReceived(entry);
    entry.cancel();
    entry.final = true;
    if (!entry.invite || message.status < 300) this.clients.delete(key);
    // A refusal may be repeated, and each wants its ACK at the same place (timer D).
    else entry.cancel = this.clock.after(TRANSACTION_TIMEOUT_MS, () => this.clients.delete(key));
  }

  /** A final refusal of an INVITE: repeated until its ACK (timer G). Call it again for sip.js' own repetitions, harmlessly. */
  refusalSent(message: WireMessage, to: Hop): void {
    if (isReliable(to.transport) || message.branch === undefined || this.servers.has(message.branch)) return;
    const entry: ServerEntry = { intervalMs: T1_MS, deadlineMs: this.clock.monotonicMs() + TRANSACTION_TIMEOUT_MS, cancel: () => undefined };
    this.servers.set(message.branch, entry);
    this.scheduleRefusal(message.branch, message.text, to, entry);
  }

  ackReceived(branch: string | undefined): void {
    if (branch === undefined) return;
    this.servers.get(branch)?.cancel();
    this.servers.delete(branch);
  }

  /** Its answer may still come, and its CANCEL goes where it went. False: it has not been sent. */
  repeatNoMore(branch: string): boolean {
    const key = clientKey(branch, 'INVITE');
    const entry = this.clients.get(key);
    entry?.cancel();
    if (entry) entry.cancel = this.clock.after(TRANSACTION_TIMEOUT_MS, () => this.clients.delete(key));
    return entry !== undefined;
  }

  /** The transaction of this INVITE was given up. */
  forgetInvite(branch: string): void { this.forget(branch, 'INVITE'); }

  forget(branch: string, method: string): void {
    const key = clientKey(branch, method);
    this.clients.get(key)?.cancel();
    this.clients.delete(key);
  }

  /** Requests without a final answer that went to such a place. */
  pendingTo(matches: (to: Hop) => boolean): PendingRequest[] {
    return [...this.clients.values()].filter(({ to, final }) => !final && matches(to));
  }

  stop(): void {
    for (const entry of [...this.clients.values(), ...this.servers.values()]) entry.cancel();
    this.clients.clear();
    this.servers.clear();
  }

  /** INVITE: no more repetition (timer A ends in Proceeding). Others: every T2 from now (timer E). */
  private provisionalReceived(entry: ClientEntry): void {
    if (entry.invite) entry.cancel();
    else entry.intervalMs = T2_MS;
  }

  /** Timers B and F without an answer (an INVITE that was answered provisionally has no such timer). */
  private expired(key: string, entry: ClientEntry): void {
    this.clients.delete(key);
    if (!entry.answered) this.onUnanswered(entry.to, entry.deadlineMs - TRANSACTION_TIMEOUT_MS);
  }

  private scheduleRequest(key: string, entry: ClientEntry): void {
    entry.cancel = this.clock.after(entry.intervalMs, () => {
      if (this.clock.monotonicMs() >= entry.deadlineMs) { this.clients.delete(key); return; }
      this.counts.requests++;
      this.resend(entry.text, entry.to);
      entry.intervalMs = entry.invite ? entry.intervalMs * 2 : Math.min(entry.intervalMs * 2, T2_MS);
      this.scheduleRequest(key, entry);
    });
  }

  private scheduleRefusal(branch: string, text: string, to: Hop, entry: ServerEntry): void {
    entry.cancel = this.clock.after(entry.intervalMs, () => {
      if (this.clock.monotonicMs() >= entry.deadlineMs) { this.servers.delete(branch); return; }
      this.counts.responses++;
      this.resend(text, to);
      entry.intervalMs = Math.min(entry.intervalMs * 2, T2_MS);
      this.scheduleRefusal(branch, text, to, entry);
    });
  }
}

const clientKey = (branch: string, cseqMethod: string): string => `${branch} ${cseqMethod}`;
