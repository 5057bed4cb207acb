import type { VadVendor } from '@dialfleet/conversation';
import type { VadVendorEntry } from '../provider-entry.js';
import { VAD_WINDOW_MS } from '../speech/speech-runtime.js';

export class SileroOptions {}

/** Silero v6 behind the WebRTC detector: what the latter calls silence never costs a run of the former. */
export const silero: VadVendorEntry = {
  label: 'Local (Silero)',
  options: SileroOptions,
  create: (_options, { speech }): VadVendor => ({ windowMs: VAD_WINDOW_MS, open: (options) => speech.openVad(options) }),
};
