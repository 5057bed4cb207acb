import type { CallPlan } from '@dialfleet/call';
import type { Clock } from '@dialfleet/kit';
import { CLAIM_BUDGET_MS, type ClaimReply } from './claim.js';
import { pickWorker } from './pick.js';
import { explainNoCapacity, type RegistryView, type WorkerView } from './registry.js';

export type AskAnswer = { kind: 'reply'; reply: ClaimReply } | { kind: 'no_responders' } | { kind: 'timeout' };

/** The two questions that claiming asks of a worker; `libs/messaging` asks them over NATS. */
export interface ClaimPort {
  claim(workerId: string, plan: CallPlan, timeoutMs: number): Promise<AskAnswer>;
  /** True when the worker confirmed that this session does not run on it and never will. */
  cancel(workerId: string, sessionId: string, timeoutMs: number): Promise<boolean>;
}

export type ClaimOutcome =
  | { ok: true; workerId: string; epoch: string }
  /** `ambiguous`: a worker may run the call after all; it must not be dialled again under another id. */
  | { ok: false; code: 'no_capacity' | 'unavailable'; detail: string; ambiguous?: true };

/** One worker gets this long before its silence counts; the rest of the budget is for cancelling and asking the next. */
const ASK_TIMEOUT_MS = 350;
const CANCEL_TIMEOUT_MS = 150;

/**
 * Finds a worker for the call. A refusal or an empty subject means "ask the next"; a time-out is ambiguous, so the claim
 * is cancelled by id first, and without a confirmed cancellation nobody else is asked: a call is never dialled twice.
 */
export async function claimCall(plan: CallPlan, registry: RegistryView, port: ClaimPort, clock: Clock, random?: () => number): Promise<ClaimOutcome> {
  const deadline = clock.monotonicMs() + CLAIM_BUDGET_MS;
  const tried = new Set<string>();
  let overloaded = 0;
  const workers = (): WorkerView[] => registry.workers(clock.monotonicMs(), clock.nowMs());
  for (;;) {
    const leftMs = deadline - clock.monotonicMs();
    const worker = leftMs > 0 ? pickWorker(workers(), tried, random) : undefined;
    if (!worker) return { ok: false, code: 'no_capacity', detail: explainNoCapacity(workers(), overloaded) };
    tried.add(worker.id);
    const verdict = await askOne(worker.id, plan, registry, port, clock, Math.min(ASK_TIMEOUT_MS, leftMs));
    if (verdict === 'overloaded') overloaded++;
    else if (verdict !== 'next') return verdict;
  }
}

async function askOne(workerId: string, plan: CallPlan, registry: RegistryView, port: ClaimPort, clock: Clock, timeoutMs: number): Promise<ClaimOutcome | 'next' | 'overloaded'> {
  const settled = registry.claiming(workerId);
  try {
    const answer = await port.claim(workerId, plan, timeoutMs);
    if (answer.kind === 'no_responders') { registry.lost(workerId, clock.monotonicMs()); return 'next'; }
    if (answer.kind === 'timeout') {
      if (await port.cancel(workerId, plan.sessionId, CANCEL_TIMEOUT_MS)) return 'next';
      return { ok: false, code: 'unavailable', ambiguous: true, detail: `Worker ${workerId} did not answer in time; the call was withdrawn and not placed elsewhere.` };
    }
    registry.learned(workerId, answer.reply.calls, answer.reply.max);
    if (answer.reply.accepted) return { ok: true, workerId, epoch: answer.reply.epoch };
    return answer.reply.reason === 'overloaded' ? 'overloaded' : 'next';
  } finally { settled(); }
}
