import type { BotSettings, ProviderChoice } from '@dialfleet/bot';
import type { CallOutcome } from '@dialfleet/call';
import type { LlmVendor } from '@dialfleet/conversation';
import type { Clock } from '@dialfleet/kit';

/** Post-call analysis: what `post_call_analysis` becomes. Rejects when there is none to be had. */
export interface Analyser {
  analyse(outcome: CallOutcome, bot: BotSettings): Promise<Record<string, unknown>>;
}

const TIMEOUT_MS = 30_000;
const MAX_CHARS = 65_536;

/** Asks the bot's own brain: rules for the embedded script, a prompt and schema for an LLM. */
export class BrainAnalyser implements Analyser {
  constructor(private readonly brain: (choice: ProviderChoice) => Pick<LlmVendor, 'extract'>, private readonly clock: Clock) {}

  async analyse(outcome: CallOutcome, bot: BotSettings): Promise<Record<string, unknown>> {
    const abort = new AbortController();
    const late = new Promise<never>((_resolve, reject) => {
      abort.signal.addEventListener('abort', () => { reject(new Error(`no analysis within ${TIMEOUT_MS / 1000} s`)); });
    });
    const cancel = this.clock.after(TIMEOUT_MS, () => { abort.abort(); });
    try {
      const request = {
        transcript: outcome.transcript.map(({ speaker, text }) => ({ speaker, text })), notes: outcome.notes,
        prompt: bot.analysis?.prompt ?? '', schema: bot.analysis?.schema ?? null, signal: abort.signal,
      };
      return checked(await Promise.race([this.brain(bot.llm).extract(request), late]));
    } finally { cancel(); }
  }
}

function checked(analysis: unknown): Record<string, unknown> {
  if (typeof analysis !== 'object' || analysis === null || Array.isArray(analysis)) throw new Error('the analysis is not a JSON object');
  if (JSON.stringify(analysis).length > MAX_CHARS) throw new Error(`the analysis is longer than ${MAX_CHARS} characters`);
  return analysis as Record<string, unknown>;
}
