import type { SttVendorEntry } from '../provider-entry.js';
import { local } from './local.js';

/** Speech recognition by the name in a bot's `stt.provider`. */
export const sttVendors = { local } satisfies Record<string, SttVendorEntry>;
