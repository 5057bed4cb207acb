import type { TranscriptTurnView } from '@dialfleet/contracts';
import type { TimelineRow } from '@dialfleet/database';

interface TurnData { text?: string; offset_ms?: number }

/** The transcript as the timeline tells it while the call runs: a turn that went on or was cut short stands there once. */
export function spokenSoFar(events: readonly TimelineRow[], answeredAt: Date | null): TranscriptTurnView[] {
  const turns: TranscriptTurnView[] = [];
  for (const { type, at, data } of events) {
    const { text = '', offset_ms: offsetMs = null } = data as TurnData;
    if (type === 'turn.interrupted') cutShort(turns, text);
    if (type !== 'turn.bot' && type !== 'turn.customer') continue;
    const speaker = type === 'turn.bot' ? 'bot' : 'customer';
    // The event is written when the words are known; the turn began before.
    const begunAt = answeredAt === null || offsetMs === null ? at : new Date(answeredAt.getTime() + offsetMs);
    const turn = { speaker, text, timestamp: begunAt.toISOString(), offset_ms: offsetMs, interrupted: false };
    const before = turns.findIndex((other) => offsetMs !== null && other.speaker === speaker && other.offset_ms === offsetMs);
    if (before >= 0) turns[before] = turn; else turns.push(turn);
  }
  return turns;
}

/** `heard`: what the customer heard of the bot's last turn; nothing heard was nothing said. */
function cutShort(turns: TranscriptTurnView[], heard: string): void {
  const last = turns.findLastIndex((turn) => turn.speaker === 'bot');
  if (last < 0) return;
  if (heard === '') turns.splice(last, 1); else turns[last] = { ...turns[last], text: heard, interrupted: true };
}
