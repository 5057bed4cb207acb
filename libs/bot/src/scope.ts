import { DateTime } from 'luxon';
import type { TemplateScope } from './template.js';

export interface CallFacts {
  sessionId: string; botId: string; callerId: string; toNumber: string; fromNumber: string;
  direction: string; startedAt: string;
}

/** `{{call.*}}`, `{{crm.*}}` and `{{system.*}}` as they stand at `nowMs` in the bot's time zone. */
export function callScope(facts: CallFacts, variables: Record<string, unknown>, crm: Record<string, unknown>, nowMs: number, timezone: string): TemplateScope {
  const now = DateTime.fromMillis(nowMs, { zone: timezone });
  return {
    crm,
    call: { ...variables, session_id: facts.sessionId, bot_id: facts.botId, caller_id: facts.callerId, to_number: facts.toNumber,
      from_number: facts.fromNumber, direction: facts.direction, started_at: facts.startedAt },
    system: { now: now.toISO() ?? '', date: now.toISODate() ?? '', time: now.toFormat('HH:mm'), weekday: now.setLocale('en').toFormat('cccc') },
  };
}

/** Dialout variables as templates see them: text stays, null is no text, everything else becomes its JSON text. */
export function stringifyVariables(input: Record<string, unknown>): Record<string, string> {
  const out: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [key, value] of Object.entries(input)) {
    if (value !== undefined) out[key] = typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
  }
  return { ...out };
}
