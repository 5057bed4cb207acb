import { callScope, type TemplateScope } from '@dialfleet/bot';
import type { CallResult } from '@dialfleet/call';

/**
 * What a key mapper may name: `crm`, `call` and `system` as in prompts, `result` (every field of the call result) and
 * `analysis` (its `post_call_analysis`). `crm` is the call's final CRM data; `system` is the time of mapping.
 */
export function pushScope(result: CallResult, crm: Readonly<Record<string, unknown>>, nowMs: number, timezone: string): TemplateScope {
  const facts = {
    sessionId: result.session_id, botId: result.bot_id, callerId: result.caller_id, toNumber: result.to_number,
    fromNumber: result.from_number, direction: result.direction, startedAt: result.started_at,
  };
  return { ...callScope(facts, result.variables, crm, nowMs, timezone), result: { ...result }, analysis: result.post_call_analysis ?? {} };
}
