import type { Clock } from '@dialfleet/kit';
import type { LoadGate } from './load-gate.js';
import type { Refusal } from './message-rules.js';
import { SourceLimiter, type Rate } from './source-limiter.js';
import type { Peer } from '../message/wire.js';

/** A request outside any dialog, before it is parsed. */
export interface RequestGlimpse {
  method: string;
  requestUri: string;
  callId: string;
  /** Header field values by long lower-case name, first of each. */
  header(name: string): string | undefined;
}

export type Verdict = 'pass' | 'drop' | Refusal;
/** Decides on a request outside a dialog; asked once for each transaction. `drop`: silence, as if nobody were here. */
export type AdmitRequest = (request: RequestGlimpse, source: Peer) => Verdict;

export interface AdmissionLimits {
  /** All messages of one address. */
  known: Rate;
  stranger: Rate;
  /** Requests outside a dialog (new calls, OPTIONS, …) of one address. */
  knownRequests: Rate;
  strangerRequests: Rate;
  maxSources: number;
}

export const defaultAdmissionLimits: AdmissionLimits = {
  known: { perSecond: 20_000, burst: 40_000 }, stranger: { perSecond: 50, burst: 200 },
  knownRequests: { perSecond: 1_000, burst: 2_000 }, strangerRequests: { perSecond: 5, burst: 20 },
  maxSources: 10_000,
};

const boundless: Rate = { perSecond: 1e9, burst: 1e9 };
const unlimited: AdmissionLimits = { known: boundless, stranger: boundless, knownRequests: boundless, strangerRequests: boundless, maxSources: 10_000 };

/** Tools that look for servers to break into: an answer would tell them that there is one. */
const SCANNER = /friendly-scanner|sipvicious|sundayddr|sip-?scan|sipsak|sipcli|pplsip|vaxsipuseragent|iwar\b|smap\b|eyebeam-scan|gulp|siparmyknife|warvox|nm@nm/i;
const SCANNER_ADDRESS = /(?:^|[":])(?:sipvicious|100"?\s*<sip:100@1\.1\.1\.1)/i;

export interface AdmissionOptions {
  clock: Clock;
  limits?: AdmissionLimits;
  /** Trunks' addresses. */
  isKnown?: (address: string) => boolean;
  load?: LoadGate;
  admit?: AdmitRequest;
}

/**
 * The door: who may have a message read, and who may begin something. What belongs to a call or a transaction of ours
 * never comes here. One for all sockets of a process, so that a source has one allowance.
 */
export class Admission {
  readonly counts = { limited: 0, scanners: 0, strangers: 0, overloaded: 0 };
  private readonly limits: AdmissionLimits;
  private readonly messages: SourceLimiter;
  private readonly requests: SourceLimiter;
  /** INVITEs refused for load, until when. */
  private readonly refused = new Map<string, number>();
  isKnown: (address: string) => boolean;
  admit: AdmitRequest | undefined;

  constructor(private readonly options: AdmissionOptions) {
    this.limits = options.limits ?? defaultAdmissionLimits;
    this.messages = new SourceLimiter(options.clock, this.limits.maxSources);
    this.requests = new SourceLimiter(options.clock, this.limits.maxSources);
    this.isKnown = options.isKnown ?? (() => false);
    this.admit = options.admit;
  }

  /** Everyone is known: for endpoints that face no network, and tests. */
  static open(clock: Clock): Admission { return new Admission({ clock, isKnown: () => true, limits: unlimited }); }

  /** Any message that belongs to nothing of ours. False: dropped unread. */
  message(source: Peer): boolean {
    const known = this.isKnown(source.address);
    const passed = this.messages.take(source.address, known ? this.limits.known : this.limits.stranger);
    if (!passed) this.counts.limited++;
    return passed;
  }

  /** A request outside a dialog that begins something. */
  request(request: RequestGlimpse, source: Peer): Verdict {
    const known = this.isKnown(source.address);
    if (!known && isScanner(request)) { this.counts.scanners++; return 'drop'; }
    if (!this.requests.take(source.address, known ? this.limits.knownRequests : this.limits.strangerRequests)) {
      this.counts.limited++;
      return 'drop';
    }
    const verdict = this.admit?.(request, source) ?? 'pass';
    if (verdict === 'drop') this.counts.strangers++;
    return verdict === 'pass' && request.method === 'INVITE' ? this.setUp(request) : verdict;
  }

  /** What has a To tag or cancels something, and belongs to nothing of ours: a stranger gets no answer that says we are here. */
  stray(source: Peer): 'pass' | 'drop' {
    if (!this.admit || this.isKnown(source.address)) return 'pass';
    this.counts.strangers++;
    return 'drop';
  }

  private setUp({ callId, header }: RequestGlimpse): Verdict {
    const { load } = this.options;
    const transaction = `${callId} ${header('via') ?? ''}`;
    // Whoever was refused must not be taken when the same INVITE comes once more: nobody would be left to acknowledge.
    if (!load || (!this.isRefused(transaction) && load.admit())) return 'pass';
    this.counts.overloaded++;
    this.remember(transaction);
    return { statusCode: 503, reasonPhrase: 'Overloaded', extraHeaders: [`Retry-After: ${load.retryAfterSeconds}`] };
  }

  private isRefused(transaction: string): boolean { return (this.refused.get(transaction) ?? -Infinity) > this.options.clock.monotonicMs(); }

  private remember(transaction: string): void {
    const now = this.options.clock.monotonicMs();
    for (const [oldest, untilMs] of this.refused) { if (untilMs > now && this.refused.size < MAX_REFUSED) break; this.refused.delete(oldest); }
    if (!this.refused.has(transaction)) this.refused.set(transaction, now + REFUSED_MS);
  }
}

/** An INVITE is repeated for no longer (RFC 3261 §17.1.1.2, timer B). */
const REFUSED_MS = 32_000;
const MAX_REFUSED = 5_000;

function isScanner({ header, requestUri }: RequestGlimpse): boolean {
  const agent = header('user-agent') ?? header('server') ?? '';
  return SCANNER.test(agent) || SCANNER_ADDRESS.test(header('from') ?? '') || /^sips?:\d*@1\.1\.1\.1\b/i.test(requestUri);
}
