import type { LlmVendorEntry } from '../provider-entry.js';
import { script } from './script-brain.js';

/** Brains by the name in a bot's `llm.provider`. */
export const llmVendors = { script } satisfies Record<string, LlmVendorEntry>;
