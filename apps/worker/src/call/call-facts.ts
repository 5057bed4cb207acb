import type { CallFacts } from '@dialfleet/bot';
import type { CallPlan } from '@dialfleet/call';

/** What `{{call.*}}` says about the call of this plan. */
export const callFacts = (plan: CallPlan): CallFacts => ({
  sessionId: plan.sessionId, botId: plan.botId, callerId: plan.toNumber, toNumber: plan.toNumber, fromNumber: plan.fromNumber,
  direction: plan.direction, startedAt: plan.acceptedAt,
});
