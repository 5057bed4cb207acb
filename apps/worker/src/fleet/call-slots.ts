import type { CallPlan } from '@dialfleet/call';
import type { ClaimReply, ClaimRefusal, WorkerCommandReply, WorkerStatus } from '@dialfleet/fleet';
import { Emitter, type Clock } from '@dialfleet/kit';

/** A call that occupies a slot. */
export interface RunningCall {
  /** Ends the call politely; idempotent. */
  hangUp(reason: 'requested' | 'draining'): void;
  /** Hands the customer over to `target`, as a person would type it. True to its answer: it has begun, or will not. */
  transfer(target: string): WorkerCommandReply;
  /** Settles when the call's outcome is safe on disk. Never rejects. */
  readonly done: Promise<void>;
}

/** A slot held for a caller until it is decided what becomes of the call; `take` or `free` gives it up, once. */
export interface ReservedSlot {
  /** The call begins in this slot. False, and the slot is free again: that session runs here, ran here, or was withdrawn. */
  take(sessionId: string, begin: () => RunningCall): boolean;
  free(): void;
}

export type Reservation = { ok: true; slot: ReservedSlot } | { ok: false; reason: 'full' | 'draining' };

export interface SlotSettings { workerId: string; epoch: string; maxCalls: number }

/** How long an ended or withdrawn session's id is remembered, so that a repeated or late claim cannot dial again. */
const MEMORY_MS = 10 * 60_000;

/**
 * This worker's slots. One thread, one counter: no slot is ever granted twice, whatever gateways believe. A claim is
 * identified by its session id, and claiming again gets the same answer.
 */
export class CallSlots {
  readonly events = new Emitter<{ changed: undefined }>();
  private readonly calls = new Map<string, RunningCall>();
  /** Ended sessions were accepted once; withdrawn ones never will be. */
  private readonly past = new Map<string, { withdrawn: boolean; forgetAtMs: number }>();
  /** Slots held for callers; each settles when it is given up. */
  private readonly reserved = new Set<Promise<void>>();
  private draining = false;

  constructor(private readonly settings: SlotSettings, private readonly clock: Clock, private readonly begin: (plan: CallPlan) => RunningCall,
    /** Takes one set-up; false where the process can begin none now. */
    private readonly mayBegin: () => boolean = () => true) {}

  /** Slots in use: calls, and those reserved. */
  get size(): number { return this.calls.size + this.reserved.size; }
  get max(): number { return this.settings.maxCalls; }
  get status(): WorkerStatus { return this.draining ? 'draining' : 'ready'; }

  claim(plan: CallPlan): ClaimReply {
    this.forgetOld();
    const past = this.past.get(plan.sessionId);
    if (this.calls.has(plan.sessionId) || past?.withdrawn === false) return this.accepted();
    if (past?.withdrawn) return this.refused('cancelled');
    if (this.clock.nowMs() > plan.claimDeadlineMs) return this.refused('expired');
    if (this.draining) return this.refused('draining');
    if (this.size >= this.settings.maxCalls) return this.refused('full');
    if (!this.mayBegin()) return this.refused('overloaded');
    this.hold(plan.sessionId, this.begin(plan));
    return this.accepted();
  }

  /** Before a gateway is asked about a caller: what it grants must have its slot. */
  reserve(): Reservation {
    this.forgetOld();
    if (this.draining) return { ok: false, reason: 'draining' };
    if (this.size >= this.settings.maxCalls) return { ok: false, reason: 'full' };
    let settle: () => void = () => undefined;
    const held = new Promise<void>((resolve) => { settle = resolve; });
    this.reserved.add(held);
    this.events.emit('changed', undefined);
    const giveUp = (): boolean => { settle(); return this.reserved.delete(held); };
    return { ok: true, slot: {
      free: () => { if (giveUp()) this.events.emit('changed', undefined); },
      take: (sessionId, begin) => {
        if (!giveUp()) return false;
        const isNew = !this.calls.has(sessionId) && !this.past.has(sessionId);
        if (isNew) this.hold(sessionId, begin()); else this.events.emit('changed', undefined);
        return isNew;
      },
    } };
  }

  hangUp(sessionId: string): WorkerCommandReply {
    const call = this.calls.get(sessionId);
    if (!call) return { ok: false, reason: 'unknown_session' };
    call.hangUp('requested');
    return { ok: true };
  }

  transfer(sessionId: string, target: string): WorkerCommandReply {
    return this.calls.get(sessionId)?.transfer(target) ?? { ok: false, reason: 'unknown_session' };
  }

  /** After this the session is not running here and never will: a running one is hung up, a late claim refused. */
  withdraw(sessionId: string): WorkerCommandReply {
    this.calls.get(sessionId)?.hangUp('requested');
    if (!this.calls.has(sessionId)) this.remember(sessionId, true);
    return { ok: true };
  }

  /** Takes no call from now on. */
  drain(): void {
    if (this.draining) return;
    this.draining = true;
    this.events.emit('changed', undefined);
  }

  /** Resolves when the last call's outcome is on disk; after `timeoutMs` the remaining ones are hung up politely. */
  async drained(timeoutMs: number): Promise<void> {
    this.drain();
    const cancel = this.clock.after(timeoutMs, () => { this.hangUpAll(); });
    while (this.size > 0) await Promise.all([...this.reserved, ...[...this.calls.values()].map((call) => call.done)]);
    cancel();
  }

  hangUpAll(): void { for (const call of this.calls.values()) call.hangUp('draining'); }

  private hold(sessionId: string, call: RunningCall): void {
    this.calls.set(sessionId, call);
    void call.done.then(() => { this.release(sessionId); });
    this.events.emit('changed', undefined);
  }

  private release(sessionId: string): void {
    this.calls.delete(sessionId);
    this.remember(sessionId, false);
    this.events.emit('changed', undefined);
  }

  private remember(sessionId: string, withdrawn: boolean): void {
    this.past.set(sessionId, { withdrawn, forgetAtMs: this.clock.monotonicMs() + MEMORY_MS });
  }

  private forgetOld(): void {
    const now = this.clock.monotonicMs();
    for (const [id, entry] of this.past) { if (entry.forgetAtMs > now) break; this.past.delete(id); }
  }

  private accepted(): ClaimReply { return { accepted: true, epoch: this.settings.epoch, ...this.count() }; }
  private refused(reason: ClaimRefusal): ClaimReply { return { accepted: false, reason, ...this.count() }; }
  private count() { return { workerId: this.settings.workerId, calls: this.size, max: this.settings.maxCalls }; }
}
