import type { Clock } from '@dialfleet/kit';

/** RFC 4028 §4: no interval is shorter. */
export const MIN_SESSION_EXPIRES_SECONDS = 90;
export const DEFAULT_SESSION_EXPIRES_SECONDS = 1_800;
/** Every proxy on the way may have a minimum of its own (RFC 4028 §7.3); one that always wants more is not followed. */
const MAX_RAISES = 3;
/** A day: longer intervals tell nothing, and their timers would overflow. */
const MAX_SESSION_EXPIRES_SECONDS = 86_400;
/** RFC 4028 §10: BYE leaves this long before the expiry, or a third of the interval where that is less. */
const BYE_LEAD_SECONDS = 32;

/** What we ask for. */
export interface SessionTimerPolicy {
  /** Wanted interval; 0: no session timer. */
  intervalSeconds: number;
  /** Grows with a 422. */
  minSeconds: number;
  /** How often it has grown. */
  raised?: number;
}

/** What both sides agreed on. */
export interface SessionTimerTerms {
  intervalSeconds: number;
  refresher: 'us' | 'them';
  /** The far end knows no session timer: nothing ends there, and any answer to a refresh shows that it lives. */
  alone?: true;
}

interface Headers { getHeader(name: string): string | undefined; getHeaders(name: string): string[] }

/** `seconds`: a trunk's wish; 0 switches the timer off. */
export function sessionTimerPolicy(seconds: number = DEFAULT_SESSION_EXPIRES_SECONDS): SessionTimerPolicy {
  return { intervalSeconds: seconds <= 0 ? 0 : bounded(Math.round(seconds)), minSeconds: MIN_SESSION_EXPIRES_SECONDS };
}

/** Header lines of an INVITE or of a refresh (RFC 4028 §7.1, §7.4). `refresher` only in a refresh, so that roles stay. */
export function requestHeaders(policy: SessionTimerPolicy, refresher?: 'uac' | 'uas'): string[] {
  if (policy.intervalSeconds === 0) return [];
  const seconds = Math.max(policy.intervalSeconds, policy.minSeconds);
  return [`Session-Expires: ${seconds}${refresher ? `;refresher=${refresher}` : ''}`, `Min-SE: ${policy.minSeconds}`];
}

/** What a 2xx to our request settles (RFC 4028 §7.2); undefined: no session timer. */
export function termsOfAnswer(response: Headers): SessionTimerTerms | undefined {
  const told = sessionExpires(response);
  return told && { intervalSeconds: bounded(told.seconds), refresher: told.refresher === 'uas' ? 'them' : 'us' };
}

/** After a 422 (RFC 4028 §7.3): the policy to try again with; undefined when it tells nothing that we do not do already, or too often. */
export function policyAfterTooSmall(policy: SessionTimerPolicy, response: Headers): SessionTimerPolicy | undefined {
  const minSeconds = seconds(minSe(response));
  const { raised = 0 } = policy;
  if (raised >= MAX_RAISES || minSeconds === undefined || minSeconds <= Math.max(policy.intervalSeconds, policy.minSeconds) || minSeconds > MAX_SESSION_EXPIRES_SECONDS) return undefined;
  return { intervalSeconds: minSeconds, minSeconds, raised: raised + 1 };
}

export type TimerAnswer =
  | { ok: true; terms: SessionTimerTerms | undefined; headers: string[] }
  /** 422 with these headers. */
  | { ok: false; headers: string[] };

/**
 * A request with or without Session-Expires → what our 2xx says (RFC 4028 §9). `current`: what a refresh found; a far end
 * that names no refresher keeps its role.
 */
export function answerRequest(policy: SessionTimerPolicy, request: Headers, current?: SessionTimerTerms): TimerAnswer {
  const asked = sessionExpires(request);
  const required = listed(request, 'require').includes('timer');
  const able = required || listed(request, 'supported', 'k').includes('timer');
  if (policy.intervalSeconds === 0 && !required) return { ok: true, terms: undefined, headers: [] };
  if (asked && able && asked.seconds < MIN_SESSION_EXPIRES_SECONDS) return { ok: false, headers: [`Min-SE: ${MIN_SESSION_EXPIRES_SECONDS}`] };
  const intervalSeconds = intervalFor(policy, asked?.seconds, seconds(minSe(request)));
  // Who cannot do it leaves the refreshing to us.
  const refresher = able ? asked?.refresher ?? roleOf(current) : 'uas';
  return {
    ok: true, terms: { intervalSeconds, refresher: refresher === 'uas' ? 'us' : 'them', ...(able ? {} : { alone: true }) },
    headers: [`Session-Expires: ${intervalSeconds};refresher=${refresher}`, ...(able ? ['Require: timer'] : [])],
  };
}

/** The shorter of what is asked and what we want, above the minimum of everyone on the way. */
function intervalFor(policy: SessionTimerPolicy, askedSeconds: number | undefined, minSeconds = 0): number {
  const wanted = policy.intervalSeconds || DEFAULT_SESSION_EXPIRES_SECONDS;
  return bounded(Math.max(minSeconds, Math.min(askedSeconds ?? wanted, wanted)));
}

/** Ours is the server's role in a request of theirs. */
const roleOf = (current: SessionTimerTerms | undefined): 'uac' | 'uas' => (current?.refresher === 'us' ? 'uas' : 'uac');

/** When we refresh, and when we give the session up, from the last refresh. */
export function sessionDeadlines({ intervalSeconds, refresher }: SessionTimerTerms): { refreshMs: number | undefined; expireMs: number } {
  const expireMs = Math.max(intervalSeconds - BYE_LEAD_SECONDS, (intervalSeconds * 2) / 3) * 1_000;
  return { refreshMs: refresher === 'us' ? (intervalSeconds / 2) * 1_000 : undefined, expireMs };
}

/** Runs the deadlines of one session: `refresh` at half the interval when that is our part, `expired` when nobody refreshed. */
export class SessionTimer {
  private cancels: (() => void)[] = [];
  private agreed: SessionTimerTerms | undefined;

  constructor(private readonly clock: Clock, private readonly on: { refresh(): void; expired(terms: SessionTimerTerms): void }) {}

  get terms(): SessionTimerTerms | undefined { return this.agreed; }

  /** The session was refreshed, on these terms from now on; undefined: without a timer. */
  restart(terms: SessionTimerTerms | undefined): void {
    this.stop();
    this.agreed = terms;
    if (!terms) return;
    const { refreshMs, expireMs } = sessionDeadlines(terms);
    if (refreshMs !== undefined) this.cancels.push(this.clock.after(refreshMs, () => this.on.refresh()));
    this.cancels.push(this.clock.after(expireMs, () => this.on.expired(terms)));
  }

  stop(): void { for (const cancel of this.cancels.splice(0)) cancel(); }
}

function sessionExpires(message: Headers): { seconds: number; refresher: 'uac' | 'uas' | undefined } | undefined {
  const value = message.getHeader('session-expires') ?? message.getHeader('x');
  const told = seconds(value);
  if (value === undefined || told === undefined) return undefined;
  const refresher = /;\s*refresher\s*=\s*"?(uac|uas)\b/i.exec(value)?.[1].toLowerCase();
  return { seconds: told, refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined };
}

const minSe = (message: Headers): string | undefined => message.getHeader('min-se');

/** The delta-seconds that a value begins with. */
function seconds(value: string | undefined): number | undefined {
  const digits = value === undefined ? undefined : /^\s*(\d{1,10})\s*(?:;|$)/.exec(value)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const listed = (message: Headers, ...names: string[]): string[] =>
  names.flatMap((name) => message.getHeaders(name)).join(',').split(',').map((tag) => tag.trim().toLowerCase());

const bounded = (value: number): number => Math.min(MAX_SESSION_EXPIRES_SECONDS, Math.max(MIN_SESSION_EXPIRES_SECONDS, value));
