import type { TtsVendorEntry } from '../provider-entry.js';
import { flite } from './flite.js';

/** Speech synthesis by the name in a bot's `tts.provider`. */
export const ttsVendors = { flite } satisfies Record<string, TtsVendorEntry>;
