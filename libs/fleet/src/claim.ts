import type { CallPlan } from '@dialfleet/call';
import type { TrunkEntry } from './inbound.js';

/** `fleet.worker.<id>.claim`: request → reply. Repeating a claim of the same session gets the same answer. */
export interface ClaimRequest { plan: CallPlan }

export type ClaimReply =
  | { accepted: true; workerId: string; epoch: string; calls: number; max: number }
  | { accepted: false; workerId: string; reason: ClaimRefusal; calls: number; max: number };

/** `overloaded`: slots are free, but too many calls begin at once, or the process is late. */
export type ClaimRefusal = 'full' | 'draining' | 'expired' | 'cancelled' | 'invalid' | 'overloaded';

/** `fleet.worker.<id>.command`. */
export type WorkerCommand =
  | { command: 'hang_up'; sessionId: string }
  | { command: 'cancel_claim'; sessionId: string }
  | { command: 'transfer'; sessionId: string; target: string }
  /** Answered with a TrunkCheckReport. */
  | { command: 'check_trunk'; entry: TrunkEntry }
  | { command: 'drain' };

export type WorkerCommandReply = { ok: true } | { ok: false; reason: 'unknown_session' | 'invalid' | 'not_in_conversation' | 'destination_blocked' };

/** All candidates together get this long to answer. */
export const CLAIM_BUDGET_MS = 500;
