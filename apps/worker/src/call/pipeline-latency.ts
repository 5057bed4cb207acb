import type { TurnLatency } from '@dialfleet/call';

/** Moments of one exchange on the monotonic clock; undefined where a stage did not run. */
export interface TurnMarks {
  lastVoicedMs?: number;
  endOfTurnMs?: number;
  finalMs?: number;
  /** The brain was asked. */
  askedMs: number;
  firstTokenMs?: number;
  /** The first sentence went to the voice. */
  sentenceMs?: number;
  firstAudioMs?: number;
  playingMs?: number;
}

export function latencyOf(turn: number, marks: TurnMarks): TurnLatency {
  return {
    turn,
    endpointingMs: between(marks.lastVoicedMs, marks.endOfTurnMs),
    sttMs: between(marks.endOfTurnMs, marks.finalMs),
    llmFirstTokenMs: between(marks.askedMs, marks.firstTokenMs),
    ttsFirstByteMs: between(marks.sentenceMs, marks.firstAudioMs),
    playoutMs: between(marks.firstAudioMs, marks.playingMs),
    totalMs: between(marks.lastVoicedMs, marks.playingMs),
  };
}

const between = (fromMs: number | undefined, toMs: number | undefined): number | null =>
  (fromMs === undefined || toMs === undefined ? null : Math.max(0, Math.round(toMs - fromMs)));
