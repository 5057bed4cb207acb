import { fail, ok, type Result } from '@dialfleet/kit';
import type { TrunkDialling } from './call-plan.js';
import { destinationAllowed, dialUser, normaliseNumber } from './phone-number.js';

export interface TransferTarget {
  /** E.164, or as the trunk has its numbers. */
  number: string;
  /** User part of the URI that the trunk is asked for. */
  dialUser: string;
}

export type TransferTargetFailure = { code: 'invalid_number' | 'destination_blocked'; message: string };

/** Whom a transfer names, by the same rules as a dialout over this trunk. */
export function readTransferTarget(raw: string, dialling: TrunkDialling = { format: '{e164}', allowedPrefixes: [] }): Result<TransferTarget, TransferTargetFailure> {
  const number = normaliseNumber(raw, dialling);
  if (!number.ok) return number;
  if (!destinationAllowed(number.value, dialling.allowedPrefixes)) return fail({ code: 'destination_blocked' as const, message: 'the trunk may not call this destination' });
  return ok({ number: number.value, dialUser: dialUser(number.value, dialling.format) });
}
