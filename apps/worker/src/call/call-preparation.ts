import { callScope, renderTemplate, type BotSettings } from '@dialfleet/bot';
import type { CallPlan } from '@dialfleet/call';
import type { LlmConversation, LlmVendor, Pcm, TtsVendor } from '@dialfleet/conversation';
import { errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import { callFacts } from './call-facts.js';
import type { CallTimeline } from './call-timeline.js';
import type { CrmPrefetch } from './crm-prefetch.js';
import { synthesise } from './synthesise.js';

/** What must be ready by the time the customer picks up. */
export interface PreparedCall {
  crm: Record<string, unknown>;
  openingText: string;
  voicemailText: string;
  /** Pre-synthesised opening; null when synthesis failed or there is nothing to say: the pipeline speaks it then. */
  greeting: Promise<Pcm | null>;
  brain: LlmConversation;
  warnings: string[];
}

export interface PreparationTools { tts: TtsVendor; llm: LlmVendor; prefetch: CrmPrefetch; timeline: CallTimeline; clock: Clock; logger: Logger }

/** Runs while the phone rings: CRM data, the rendered opening message, its audio, and the brain. Never rejects for CRM or voice. */
export async function prepareCall(plan: CallPlan<BotSettings>, tools: PreparationTools, signal: AbortSignal): Promise<PreparedCall> {
  const { bot } = plan;
  const crm = { ...plan.variables, ...await tools.prefetch.fetch(plan, tools.timeline, signal) };
  const facts = callFacts(plan);
  const scope = () => callScope(facts, plan.variables, crm, tools.clock.nowMs(), bot.timezone);
  const opening = renderTemplate(plan.announcement ?? bot.openingMessage, scope());
  const prompt = renderTemplate(bot.systemPrompt, scope());
  const brain = plan.announcement !== undefined ? announcer : tools.llm.converse({
    systemPrompt: prompt.text, openingMessage: opening.text, script: bot.script, language: bot.language, timezone: bot.timezone,
    render: (template, slots) => renderTemplate(template, { ...scope(), slot: slots }).text,
    nowMs: () => tools.clock.nowMs(),
  });
  const voicemail = renderTemplate(bot.voicemail.message, scope());
  const unresolved = [...new Set([...opening.unresolved, ...prompt.unresolved, ...voicemail.unresolved])];
  const warnings = unresolved.map((path) => `{{${path}}} has no value and was left as it is`);
  for (const message of warnings) tools.timeline.add('warning', { message });
  return { crm, openingText: opening.text, voicemailText: voicemail.text, greeting: greetingOf(opening.text, bot, tools, signal), brain, warnings };
}

/** Says its opening, and that is all. */
const announcer: LlmConversation = {
  opening: () => ({ hints: [], endCall: true }),
  async *reply() { yield { type: 'tool', name: 'end_call' }; },
  notes: () => ({ slots: {}, intents: [] }),
};

async function greetingOf(text: string, bot: BotSettings, tools: PreparationTools, signal: AbortSignal): Promise<Pcm | null> {
  if (text.trim() === '') return null;
  const begun = tools.clock.monotonicMs();
  try {
    const pcm = await synthesise(tools.tts, text, bot, signal);
    if (pcm.length === 0) return null;
    tools.timeline.add('greeting.ready', { took_ms: Math.round(tools.clock.monotonicMs() - begun), duration_ms: Math.round(pcm.length / 8) });
    return pcm;
  } catch (error) {
    tools.logger.warn('the greeting could not be synthesised ahead', { error });
    tools.timeline.add('warning', { message: `greeting not synthesised ahead: ${errorMessage(error)}` });
    return null;
  }
}
