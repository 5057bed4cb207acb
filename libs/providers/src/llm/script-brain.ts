import type { ConversationSetup, ExtractRequest, LlmConversation, LlmVendor } from '@dialfleet/conversation';
import type { LlmVendorEntry } from '../provider-entry.js';
import { loadGrammar } from './script/grammar.js';
import { analyseCall } from './script/script-analysis.js';
import { ScriptConversation } from './script/script-conversation.js';

export class ScriptOptions {}

/** The embedded brain: the bot's script, deterministic and offline. English. */
export const script: LlmVendorEntry = {
  label: 'Script (embedded, English)',
  options: ScriptOptions,
  languages: ['en'],
  create: () => new ScriptBrain(),
  warmUp: loadGrammar,
};

export class ScriptBrain implements LlmVendor {
  converse(setup: ConversationSetup): LlmConversation { return new ScriptConversation(setup); }
  extract(request: ExtractRequest): Promise<Record<string, unknown>> { return Promise.resolve(analyseCall(request)); }
}
