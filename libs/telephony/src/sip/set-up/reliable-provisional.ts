import { randomInt } from 'node:crypto';
import type { Clock } from '@dialfleet/kit';
import { T1_MS, TRANSACTION_TIMEOUT_MS } from '../transport/retransmitter.js';

/** RFC 3262 §10.1 */
export const RELIABLE = '100rel';

interface Headers { getHeader(name: string): string | undefined; getHeaders(name: string): string[] }

/** The option tags in every value of a header field. */
export const optionTags = (message: Headers, name: string): string[] =>
  message.getHeaders(name).join(',').split(',').map((tag) => tag.trim().toLowerCase()).filter((tag) => tag !== '');

/** RSeq of a provisional response that wants a PRACK (RFC 3262 §4); undefined for one that does not. */
export function reliableSequence(response: Headers): number | undefined {
  const rseq = response.getHeader('rseq')?.trim() ?? '';
  return optionTags(response, 'require').includes(RELIABLE) && /^[1-9]\d{0,9}$/.test(rseq) ? Number(rseq) : undefined;
}

/** What a caller acknowledged so far: each dialog's reliable responses once, and in order (RFC 3262 §4). */
export class AcknowledgedProvisionals {
  private readonly last = new Map<string, number>();

  /** Whether this response is to be acknowledged and looked at; false for a repetition, or where one before it is missing. */
  isNext(toTag: string, rseq: number): boolean {
    const last = this.last.get(toTag);
    if (last !== undefined && rseq !== last + 1) return false;
    this.last.set(toTag, rseq);
    return true;
  }
}

export interface ReliableSending {
  /** Sends the provisional response with these headers; each call is the same response again. */
  transmit(headers: readonly string[]): void;
  /** It carries a session description: no 2xx may overtake it (RFC 3262 §3). */
  hasDescription: boolean;
}

interface Pending extends ReliableSending { rseq: number; intervalMs: number; deadlineMs: number; cancel: () => void }

/**
 * A callee's reliable provisional responses (RFC 3262 §3): one at a time, repeated from T1 on with doubling intervals
 * until its PRACK; after 64·T1 without one the call is refused.
 */
export class ReliableProvisionals {
  private readonly waiting: ReliableSending[] = [];
  private pending: Pending | undefined;
  private whenFree: (() => void) | undefined;
  private stopped = false;

  constructor(private readonly clock: Clock, private readonly inviteCSeq: number, private readonly neverAcknowledged: () => void,
    private nextRSeq = randomInt(1, 2 ** 31 - 1_000)) {}

  send(response: ReliableSending): void {
    if (this.stopped) return;
    if (this.pending) this.waiting.push(response); else this.begin(response);
  }

  /** Whether a PRACK with this RAck value acknowledges what is under way; otherwise it gets 481. */
  isAwaited(rack: string | undefined): boolean {
    const match = /^\s*(\d{1,10})\s+(\d{1,10})\s+INVITE\s*$/i.exec(rack ?? '');
    return match !== null && Number(match[2]) === this.inviteCSeq && this.pending?.rseq === Number(match[1]);
  }

  /** That PRACK has been answered. */
  acknowledged(): void {
    this.pending?.cancel();
    this.pending = undefined;
    const act = this.whenFree;
    this.whenFree = undefined;
    if (act) { act(); return; }
    const next = this.waiting.shift();
    if (next && !this.stopped) this.begin(next);
  }

  /** Runs `act` once a 2xx may be sent: now, or when the description under way has been acknowledged. */
  beforeAnswer(act: () => void): void {
    // What was not sent yet has nothing to say any more.
    this.waiting.length = 0;
    if (this.pending?.hasDescription) this.whenFree = act; else act();
  }

  /** A final response is out: nothing is repeated any more, a PRACK under way is still taken. */
  finish(): void {
    this.stopped = true;
    this.waiting.length = 0;
    this.whenFree = undefined;
    this.pending?.cancel();
  }

  private begin(response: ReliableSending): void {
    const pending: Pending = { ...response, rseq: this.nextRSeq++, intervalMs: T1_MS, deadlineMs: this.clock.monotonicMs() + TRANSACTION_TIMEOUT_MS, cancel: () => undefined };
    this.pending = pending;
    this.transmit(pending);
  }

  private transmit(pending: Pending): void {
    pending.transmit([`Require: ${RELIABLE}`, `RSeq: ${pending.rseq}`]);
    pending.cancel = this.clock.after(Math.min(pending.intervalMs, pending.deadlineMs - this.clock.monotonicMs()), () => {
      if (this.clock.monotonicMs() >= pending.deadlineMs) { this.finish(); this.neverAcknowledged(); return; }
      pending.intervalMs *= 2;
      this.transmit(pending);
    });
  }
}
