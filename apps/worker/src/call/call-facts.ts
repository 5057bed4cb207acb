import type { CallFacts } from '@dialfleet/bot';
import { customerNumber, type CallPlan } from '@dialfleet/call';

/** What `{{call.*}}` says about the call of this plan. */
export const callFacts = (plan: CallPlan): CallFacts => ({
  sessionId: plan.sessionId, botId: plan.botId, callerId: customerNumber(plan), toNumber: plan.toNumber, fromNumber: plan.fromNumber,
  direction: plan.direction, startedAt: plan.acceptedAt,
});
