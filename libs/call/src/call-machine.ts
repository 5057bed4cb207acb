/**
 * The life of one call, as data (RFC 3261 dialog states seen from the product).
 *
 * ```
 *  offered ──────────────┐
 *  dialling ─▶ ringing ─▶ answered ─▶ talking ─▶ bridged
 *     │           │          │           │          │
 *     └───────────┴────┬─────┴───────────┴──────────┘
 *                      ▼
 *                   ending ─▶ ended
 * ```
 * `ending` waits for the far side's final word (487, 200 to BYE) under a release timer.
 */
export type CallState = 'offered' | 'dialling' | 'ringing' | 'answered' | 'talking' | 'bridged' | 'ending' | 'ended';

export type CallEvent =
  | { type: 'provisional'; sipStatus: number }
  | { type: 'answered' }
  | { type: 'finalFailure'; sipStatus: number; reason?: string }
  | { type: 'ringTimeout' }
  | { type: 'cancelled' }
  | { type: 'fault'; reason: FaultReason; detail?: string }
  | { type: 'humanDetected' }
  | { type: 'machineDetected' }
  | { type: 'botHangUp'; reason?: 'outside_hours' }
  | { type: 'transferred'; target: string }
  /** The target answered a call of ours, and hears the customer from now on. */
  | { type: 'bridged'; target: string }
  /** `detail`: why, in the words of the far end. */
  | { type: 'remoteHangUp'; detail?: string }
  | { type: 'maxDuration' }
  | { type: 'silence' }
  | { type: 'released' };

export type FaultReason = 'trunk_failed' | 'media_timeout' | 'provider_failed' | 'worker_failed' | 'worker_lost' | 'invalid_number';

export const callTransitions = {
  offered:  { answered: 'answered', finalFailure: 'ended', remoteHangUp: 'ended', cancelled: 'ending', fault: 'ending' },
  dialling: { provisional: 'ringing', answered: 'answered', finalFailure: 'ended', ringTimeout: 'ending', cancelled: 'ending', fault: 'ending' },
  ringing:  { provisional: 'ringing', answered: 'answered', finalFailure: 'ended', ringTimeout: 'ending', cancelled: 'ending', fault: 'ending' },
  answered: { humanDetected: 'talking', machineDetected: 'ending', botHangUp: 'ending', transferred: 'ending', bridged: 'bridged', remoteHangUp: 'ended', maxDuration: 'ending', silence: 'ending', cancelled: 'ending', fault: 'ending' },
  talking:  { machineDetected: 'ending', botHangUp: 'ending', transferred: 'ending', bridged: 'bridged', remoteHangUp: 'ended', maxDuration: 'ending', silence: 'ending', cancelled: 'ending', fault: 'ending' },
  bridged:  { transferred: 'ending', remoteHangUp: 'ended', maxDuration: 'ending', cancelled: 'ending', fault: 'ending' },
  ending:   { answered: 'ending', finalFailure: 'ended', remoteHangUp: 'ended', released: 'ended', fault: 'ended' },
  ended:    {},
} as const satisfies Record<CallState, Partial<Record<CallEvent['type'], CallState>>>;

/** What the session must do after a move; it alone performs them. */
export type CallEffect =
  /** Start the conversation: the far end has picked up. */
  | 'startConversation'
  /** The customer talks to somebody else: the bot takes no part any more, and another time limit holds. */
  | 'leaveConversation'
  /** Stop ringing, stop the pipeline, and take leave in the way the leg's state allows (CANCEL, BYE). */
  | 'releaseLeg'
  /** A 200 OK crossed our CANCEL (RFC 3261 §9.1): the leg acknowledges it and hangs up at once. */
  | 'hangUpAnswered'
  /** Write the outcome: nothing more will happen. */
  | 'finish';

export interface Transition { state: CallState; effects: readonly CallEffect[]; legal: boolean }

/** The next state and what to do; an unlisted pair keeps the state and is reported as not legal. */
export function transition(state: CallState, event: CallEvent['type']): Transition {
  const next = (callTransitions[state] as Partial<Record<CallEvent['type'], CallState>>)[event];
  if (next === undefined) return { state, effects: [], legal: false };
  return { state: next, effects: effectsOf(state, event, next), legal: true };
}

function effectsOf(from: CallState, event: CallEvent['type'], to: CallState): readonly CallEffect[] {
  if (to === 'ended') return ['finish'];
  if (to === 'ending') return from === 'ending' ? (event === 'answered' ? ['hangUpAnswered'] : []) : ['releaseLeg'];
  if (to === 'bridged') return ['leaveConversation'];
  return to === 'answered' ? ['startConversation'] : [];
}
