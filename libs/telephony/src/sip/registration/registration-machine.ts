/** How a REGISTER ended, failover and challenges behind it. */
export type RegisterResult =
  | { outcome: 'registered'; sipStatus: number; reason: string; expiresSeconds: number; serviceRoute: string[]; /** `udp:192.0.2.1:5060` */ server: string }
  | { outcome: 'refused'; sipStatus: number; reason: string; retryAfterMs?: number }
  /** Nobody answered, or nobody could be reached. */
  | { outcome: 'unanswered'; reason: string };

/** How a registration stands. Times are Unix ms. */
export interface RegistrationStanding {
  registered: boolean;
  /** Since when `registered` has been so. */
  sinceMs: number;
  /** When the binding lapses; null while there is none. */
  expiresAtMs: number | null;
  lastAnswer: { status: number | null; reason: string; atMs: number } | null;
  /** In a row. */
  failures: number;
  serviceRoute: string[];
}

export const notRegistered = (nowMs: number): RegistrationStanding =>
  ({ registered: false, sinceMs: nowMs, expiresAtMs: null, lastAnswer: null, failures: 0, serviceRoute: [] });

/** After a REGISTER: how it stands now, and when the next one is due. */
export function afterRegister(before: RegistrationStanding, result: RegisterResult, nowMs: number, random: () => number): { standing: RegistrationStanding; nextInMs: number } {
  if (result.outcome === 'registered') {
    const standing = {
      registered: true, sinceMs: before.registered ? before.sinceMs : nowMs, expiresAtMs: nowMs + result.expiresSeconds * 1000,
      lastAnswer: { status: result.sipStatus, reason: result.reason, atMs: nowMs }, failures: 0, serviceRoute: result.serviceRoute,
    };
    return { standing, nextInMs: refreshInMs(result.expiresSeconds, random) };
  }
  const failures = before.failures + 1;
  const definite = result.outcome === 'refused' && isDefinite(result.sipStatus);
  const lastAnswer = { status: result.outcome === 'refused' ? result.sipStatus : null, reason: result.reason, atMs: nowMs };
  // A registrar that is away for a moment still has the binding that it granted; one that says no has not.
  const kept = definite ? unregistered(before, nowMs) : lapsed(before, nowMs);
  const backoffMs = retryInMs(failures, definite, random);
  const askedMs = result.outcome === 'refused' ? result.retryAfterMs ?? 0 : 0;
  return { standing: { ...kept, failures, lastAnswer }, nextInMs: Math.max(backoffMs, askedMs) };
}

/** The binding lapses when its time is over, whatever was or was not heard since. */
export function lapsed(standing: RegistrationStanding, nowMs: number): RegistrationStanding {
  return standing.registered && standing.expiresAtMs !== null && nowMs >= standing.expiresAtMs ? unregistered(standing, nowMs) : standing;
}

const unregistered = (before: RegistrationStanding, nowMs: number): RegistrationStanding =>
  ({ ...before, registered: false, sinceMs: before.registered ? nowMs : before.sinceMs, expiresAtMs: null, serviceRoute: [] });

/** Of the granted life 70 to 85 %: what is left is for trying again. */
export const refreshInMs = (expiresSeconds: number, random: () => number): number =>
  Math.max(1000, Math.round(expiresSeconds * 1000 * (0.7 + 0.15 * random())));

/** Wrong credentials and the like do not mend themselves, and a registrar bans who insists: those wait for minutes. */
const TRANSIENT = { baseMs: 2_000, capMs: 120_000 };
const DEFINITE = { baseMs: 30_000, capMs: 900_000 };

/** RFC 5626 §4.5: doubled with each failure, and half of it at random, so that a registrar that comes back is not run over. */
export function retryInMs(failures: number, definite: boolean, random: () => number): number {
  const { baseMs, capMs } = definite ? DEFINITE : TRANSIENT;
  return Math.round(Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 20)) * (0.5 + 0.5 * random()));
}

/** A refusal that says something about us or our account, not about the moment (RFC 3261 §21.4). */
const MOMENTARY = new Set([408, 423, 429, 430, 480, 491]);
const isDefinite = (sipStatus: number): boolean => (sipStatus < 500 || sipStatus >= 600) && !MOMENTARY.has(sipStatus);
