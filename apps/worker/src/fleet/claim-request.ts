import type { CallPlan } from '@dialfleet/call';
import { fail, isUuid, ok, type Result } from '@dialfleet/kit';

/** A claim as it came off the wire: enough is checked that a gateway of another version cannot crash a worker. */
export function readClaim(request: unknown): Result<CallPlan, { code: 'invalid'; detail: string }> {
  const plan = (request as { plan?: Partial<CallPlan> } | null)?.plan;
  if (typeof plan !== 'object' || plan === null) return invalid('no plan');
  if (typeof plan.sessionId !== 'string' || !isUuid(plan.sessionId)) return invalid('sessionId is not a UUID');
  for (const field of ['workspaceId', 'botId', 'toNumber', 'fromNumber', 'dialUser', 'acceptedAt'] as const) {
    if (typeof plan[field] !== 'string') return invalid(`${field} is not text`);
  }
  for (const field of ['ringTimeoutMs', 'maxDurationMs', 'claimDeadlineMs', 'botVersion'] as const) {
    if (!Number.isFinite(plan[field])) return invalid(`${field} is not a number`);
  }
  for (const field of ['trunk', 'bot', 'variables'] as const) {
    if (typeof plan[field] !== 'object' || plan[field] === null) return invalid(`${field} is missing`);
  }
  return ok(plan as CallPlan);
}

const invalid = (detail: string) => fail({ code: 'invalid' as const, detail });
