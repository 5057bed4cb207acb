import type { VadVendorEntry } from '../provider-entry.js';
import { silero } from './silero.js';

/** Voice activity detection by name; a worker uses `silero` unless told otherwise. */
export const vadVendors = { silero } satisfies Record<string, VadVendorEntry>;
