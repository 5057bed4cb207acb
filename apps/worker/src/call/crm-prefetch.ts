import { callScope, renderTemplate, resolvePath, type BotSettings, type PrefetchSettings } from '@dialfleet/bot';
import { customerNumber, type CallPlan } from '@dialfleet/call';
import { errorMessage, type Clock } from '@dialfleet/kit';
import { callFacts } from './call-facts.js';
import type { CallTimeline } from './call-timeline.js';

export interface HttpReply { status: number; body: string }
/** The way out over HTTP (libs/egress): guarded, bounded in time and size. */
export type HttpSend = (request: { url: string; method: 'GET' | 'POST'; headers: Record<string, string>; body?: string; timeoutMs: number; signal: AbortSignal }) => Promise<HttpReply>;

/** Asks the customer's CRM for data while the phone rings. A failure never blocks the call: it stands on the timeline. */
export class CrmPrefetch {
  constructor(private readonly send: HttpSend, private readonly clock: Clock) {}

  /** The CRM's fields with their JSON types; empty when there is no pre-fetch, it is skipped, or it failed. */
  async fetch(plan: CallPlan<BotSettings>, timeline: CallTimeline, signal: AbortSignal): Promise<Record<string, unknown>> {
    const settings = plan.bot.prefetch;
    if (!settings || plan.variables['_skip_prefetch'] === 'true') return {};
    const begun = this.clock.monotonicMs();
    const finished = (fields: Record<string, unknown>): void => {
      timeline.add('prefetch.finished', { duration_ms: Math.round(this.clock.monotonicMs() - begun), ...fields });
    };
    try {
      const reply = await this.send({ ...requestOf(plan, settings, this.clock.nowMs()), timeoutMs: settings.timeoutMs, signal });
      if (reply.status < 200 || reply.status > 299) { finished({ ok: false, status: reply.status }); return {}; }
      const fields = fieldsOf(reply.body, settings.responsePath);
      finished({ ok: fields !== null, status: reply.status, ...(fields ? { fields: Object.keys(fields).length } : { error: 'the response is not a JSON object' }) });
      return fields ?? {};
    } catch (error) {
      finished({ ok: false, error: errorMessage(error) });
      return {};
    }
  }
}

function requestOf(plan: CallPlan<BotSettings>, settings: PrefetchSettings, nowMs: number): Omit<Parameters<HttpSend>[0], 'timeoutMs' | 'signal'> {
  const facts = callFacts(plan);
  const scope = callScope(facts, plan.variables, plan.variables, nowMs, plan.bot.timezone);
  const url = renderTemplate(settings.url, scope, 'empty', encodeURIComponent).text;
  if (settings.method === 'GET') return { url, method: 'GET', headers: settings.headers };
  return { url, method: 'POST', headers: { 'content-type': 'application/json', ...settings.headers }, body: JSON.stringify({
    session_id: plan.sessionId, bot_id: plan.botId, direction: plan.direction, caller_id: customerNumber(plan), to_number: plan.toNumber,
    from_number: plan.fromNumber, variables: plan.variables,
  }) };
}

function fieldsOf(body: string, responsePath: string | undefined): Record<string, unknown> | null {
  let json: unknown;
  try { json = JSON.parse(body); } catch { return null; }
  const value = responsePath ? resolvePath(`response.${responsePath}`, { response: json as Record<string, unknown> }) : json;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : null;
}
