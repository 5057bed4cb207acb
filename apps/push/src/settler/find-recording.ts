import type { OrphanCandidate } from '@dialfleet/database';
import { errorMessage, type Logger } from '@dialfleet/kit';
import { recordingKey, type RecordingStore } from '@dialfleet/storage';
import type { SurvivingRecording } from './settlement.js';

const WAV_HEADER_BYTES = 44;
/** Stereo, 16 bit, 8 kHz. */
const BYTES_PER_SECOND = 32_000;

/** Finds what a lost worker had recorded: its header is patched as it grows, so that it plays as far as it goes. */
export const recordingFinder = (store: Pick<RecordingStore, 'sizeBytes'>, logger: Logger) => async (call: OrphanCandidate): Promise<SurvivingRecording> => {
  // The file is named by the day on which it was begun: while dialling or at answer.
  const keys = new Set([call.acceptedAtMs, call.answeredAtMs ?? call.acceptedAtMs].map((ms) => recordingKey(call.sessionId, ms)));
  for (const key of keys) {
    try {
      const sizeBytes = await store.sizeBytes(key);
      if (sizeBytes !== null && sizeBytes > WAV_HEADER_BYTES) {
        return { status: 'partial', key, durationSeconds: Math.round(((sizeBytes - WAV_HEADER_BYTES) / BYTES_PER_SECOND) * 1000) / 1000 };
      }
    } catch (error) { logger.warn('a recording cannot be looked up', { session_id: call.sessionId, error: errorMessage(error) }); }
  }
  return null;
};
