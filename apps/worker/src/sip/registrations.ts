import type { RegistrationState, TrunkEntry } from '@dialfleet/fleet';
import { errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import type { RegistrationStanding } from '@dialfleet/telephony';
import { RegistrationLease, type LeaseStore, type LeaseTimes } from './registration-lease.js';
import { TrunkRegistration, type OpenRegistrar } from './trunk-registration.js';

/** RegistrationStore of @dialfleet/messaging. */
export interface Registry extends LeaseStore {
  publish(state: RegistrationState): Promise<void>;
  forget(trunkId: string): Promise<void>;
}

export interface RegistrationsParts {
  worker: { workerId: string; epoch: string };
  registry: Registry;
  times: LeaseTimes;
  open(entry: TrunkEntry): OpenRegistrar;
  clock: Clock;
  logger: Logger;
  random?: () => number;
}

interface Candidate {
  entry: TrunkEntry;
  /** As the entry was when the registration was begun. */
  asJson: string;
  lease: RegistrationLease;
  registration: TrunkRegistration | undefined;
}

/** Many trunks are stood for one after the other: registrars are not run over at start, and workers that start together share. */
const SPREAD_MS = 20;
const MAX_SPREAD_MS = 10_000;
/** Of two workers that stand for a trunk at the same time neither is always first. */
const LOT_MS = 100;

/**
 * The registrations of this worker: it stands for every trunk that registers, holds those whose lease it got, and says in
 * the bucket `registrations` how they stand.
 */
export class Registrations {
  private readonly candidates = new Map<string, Candidate>();
  /** Trunks are taken and given back one step after the other. */
  private readonly steps = new Map<string, Promise<void>>();
  private readonly owner: string;
  private ended = false;

  constructor(private readonly parts: RegistrationsParts) { this.owner = `${parts.worker.workerId} ${parts.worker.epoch}`; }

  /** Trunks whose registration is ours. */
  get held(): string[] { return [...this.candidates].filter(([, { lease }]) => lease.isHeld).map(([id]) => id); }

  /** The trunks as they are now: new ones are stood for, changed ones registered anew, those gone given up. */
  learn(entries: readonly TrunkEntry[]): void {
    if (this.ended) return;
    const wanted = new Map(entries.filter(({ register, trunk }) => register && trunk.username !== undefined).map((entry) => [entry.trunk.trunkId, entry]));
    for (const id of [...this.candidates.keys()]) if (!wanted.has(id)) this.drop(id);
    for (const entry of wanted.values()) this.stand(entry);
  }

  /** What is heard of the leases (RegistrationStore.followLeases). */
  heardLease(trunkId: string, owner: string | null): void {
    const candidate = this.candidates.get(trunkId);
    candidate?.lease.heard(owner);
    // One that was left alone while the broker was away is another worker's by now.
    if (candidate?.registration && owner !== null && owner !== this.owner) void this.step(trunkId, async () => { if (!candidate.lease.isHeld) await this.endRegistration(candidate); });
  }

  /** Unregisters everything and gives the leases back, for another worker to take over. Never rejects. */
  async end(): Promise<void> {
    this.ended = true;
    await Promise.all([...this.candidates].map(([id, candidate]) => this.step(id, async () => {
      const wasHeld = candidate.lease.isHeld;
      await this.endRegistration(candidate);
      if (wasHeld) await this.publish(candidate.entry, stoppedBy(this.parts.clock.nowMs()));
      await candidate.lease.end();
    })));
    this.candidates.clear();
  }

  private stand(entry: TrunkEntry): void {
    const { trunkId } = entry.trunk;
    const asJson = JSON.stringify(entry);
    const known = this.candidates.get(trunkId);
    if (known) {
      if (known.asJson === asJson) return;
      Object.assign(known, { entry, asJson });
      void this.step(trunkId, async () => {
        const held = known.registration !== undefined;
        await this.endRegistration(known);
        if (held && known.lease.isHeld) this.begin(known);
      });
      return;
    }
    const { registry, times, clock, logger, random } = this.parts;
    const lease = new RegistrationLease(trunkId, this.owner, registry, times, clock, logger, {
      held: () => { void this.step(trunkId, () => { this.taken(candidate); return Promise.resolve(); }); },
      lost: (why) => { void this.step(trunkId, () => this.lost(candidate, why)); },
    }, random);
    const candidate: Candidate = { entry, asJson, lease, registration: undefined };
    this.candidates.set(trunkId, candidate);
    lease.start(Math.min(this.candidates.size * SPREAD_MS, MAX_SPREAD_MS) + (random ?? Math.random)() * LOT_MS);
  }

  private drop(trunkId: string): void {
    const candidate = this.candidates.get(trunkId);
    if (!candidate) return;
    this.candidates.delete(trunkId);
    void this.step(trunkId, async () => {
      const wasHeld = candidate.lease.isHeld;
      await this.endRegistration(candidate);
      if (wasHeld) await this.parts.registry.forget(trunkId).catch(() => undefined);
      await candidate.lease.end();
    });
  }

  private taken(candidate: Candidate): void {
    if (this.ended || !candidate.lease.isHeld) return;
    if (candidate.registration) candidate.registration.resume(); else this.begin(candidate);
  }

  private async lost(candidate: Candidate, why: 'taken' | 'lapsed'): Promise<void> {
    this.parts.logger.warn('a registration is not ours any more', { trunk_id: candidate.entry.trunk.trunkId, why });
    if (why === 'lapsed') candidate.registration?.suspend(); else await this.endRegistration(candidate);
  }

  private begin(candidate: Candidate): void {
    const { open, clock, logger, random } = this.parts;
    const { entry } = candidate;
    candidate.registration = new TrunkRegistration({
      entry, open: open(entry), clock, logger, random,
      onStanding: (standing) => { if (candidate.lease.isHeld) void this.publish(entry, standing); },
    });
    candidate.registration.start();
  }

  private async endRegistration(candidate: Candidate): Promise<void> {
    const { registration } = candidate;
    candidate.registration = undefined;
    await registration?.end();
  }

  private async publish({ trunk: { trunkId } }: TrunkEntry, standing: RegistrationStanding): Promise<void> {
    const { registry, worker, logger, clock } = this.parts;
    await registry.publish(stateOf(trunkId, worker.workerId, standing, clock.nowMs())).catch((error: unknown) => {
      logger.debug('how a registration stands could not be told', { trunk_id: trunkId, error: errorMessage(error) });
    });
  }

  private step(trunkId: string, act: () => Promise<void>): Promise<void> {
    const next = (this.steps.get(trunkId) ?? Promise.resolve()).then(act).catch((error: unknown) => {
      this.parts.logger.error('a registration could not be changed', { trunk_id: trunkId, error: errorMessage(error) });
    });
    this.steps.set(trunkId, next);
    void next.then(() => { if (this.steps.get(trunkId) === next) this.steps.delete(trunkId); });
    return next;
  }
}

const iso = (unixMs: number): string => new Date(unixMs).toISOString();

const stoppedBy = (nowMs: number): RegistrationStanding =>
  ({ registered: false, sinceMs: nowMs, expiresAtMs: null, lastAnswer: { status: null, reason: 'the worker that held it was stopped', atMs: nowMs }, failures: 0, serviceRoute: [] });

function stateOf(trunkId: string, workerId: string, standing: RegistrationStanding, nowMs: number): RegistrationState {
  const { registered, sinceMs, lastAnswer, expiresAtMs, serviceRoute } = standing;
  return {
    trunkId, workerId, registered, since: iso(sinceMs),
    lastAnswer: lastAnswer ? { status: lastAnswer.status, reason: lastAnswer.reason, at: iso(lastAnswer.atMs) } : { status: null, reason: 'not asked yet', at: iso(nowMs) },
    expiresAt: expiresAtMs === null ? null : iso(expiresAtMs), ...(serviceRoute.length === 0 ? {} : { serviceRoute }),
  };
}
