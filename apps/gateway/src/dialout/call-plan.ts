import type { BotSettings } from '@dialfleet/bot';
import type { CallPlan } from '@dialfleet/call';
import type { NewCall, SecretBox } from '@dialfleet/database';
import { trunkPlan } from '../trunks/trunk-plan.js';
import type { CallRoute } from './route-call.js';

/** A worker that reads the claim later than this discards it: twice the claim budget, for clocks that differ a little. */
const CLAIM_LIFE_MS = 1000;

/** Everything the worker needs to place and hold the call. */
export function callPlan(call: NewCall, route: CallRoute, settings: BotSettings, box: SecretBox): CallPlan<BotSettings> {
  return {
    sessionId: call.id, workspaceId: call.workspaceId, botId: call.botId, botVersion: call.botVersion, bot: settings, direction: 'outbound',
    trunk: trunkPlan(route.trunk, box), toNumber: route.toNumber, fromNumber: route.fromNumber, dialUser: route.dialUser, variables: call.variables,
    ringTimeoutMs: settings.ringTimeoutSeconds * 1000, maxDurationMs: settings.maxCallDurationSeconds * 1000, record: settings.recording,
    acceptedAt: new Date(call.acceptedAtMs).toISOString(), claimDeadlineMs: call.acceptedAtMs + CLAIM_LIFE_MS,
  };
}
