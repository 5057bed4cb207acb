import { destinationAllowed, dialUser, normaliseNumber } from '@dialfleet/call';
import type { TrunkRow } from '@dialfleet/database';
import { invalidField, ProblemError } from '../http/problem.js';

export interface CallRoute { trunk: TrunkRow; toNumber: string; fromNumber: string; dialUser: string }

/** The numbers of a request, normalised. `fromNumber` undefined: the trunk's own. */
export interface WantedNumbers { toNumber: string; fromNumber: string | undefined }

/** Reads the numbers as the trunk has them written: its default country, SIP users on a test trunk. @throws ProblemError 422 */
export function wantedNumbers(request: { to_number: string; from_number?: string }, trunk: TrunkRow | null): WantedNumbers {
  const rules = { defaultCountry: trunk?.default_country ?? undefined, allowSipUser: trunk?.allow_sip_user ?? false };
  const read = (path: string, text: string): string => {
    const number = normaliseNumber(text, rules);
    if (!number.ok) throw invalidField(path, number.message);
    return number.value;
  };
  return {
    toNumber: read('to_number', request.to_number),
    fromNumber: request.from_number === undefined ? undefined : read('from_number', request.from_number),
  };
}

/** Where the call goes and how it shows. `ownsNumber` is asked only for a caller id that is not the trunk's own. */
export async function routeCall({ toNumber, fromNumber }: WantedNumbers, trunk: TrunkRow | null, ownsNumber: (number: string) => Promise<boolean>): Promise<CallRoute> {
  if (!destinationAllowed(toNumber, trunk?.allowed_prefixes ?? [])) throw new ProblemError('destination_blocked', 'The trunk of this bot may not call this destination.');
  if (!trunk) throw new ProblemError('no_outbound_trunk', 'The workspace has no outbound trunk, or the one the bot names is gone.');
  return { trunk, toNumber, fromNumber: await callerId(fromNumber, trunk, ownsNumber), dialUser: dialUser(toNumber, trunk.dial_format) };
}

async function callerId(wanted: string | undefined, trunk: TrunkRow, ownsNumber: (number: string) => Promise<boolean>): Promise<string> {
  if (wanted === undefined) {
    const own = trunk.default_from_number ?? trunk.caller_ids[0];
    if (own === undefined) throw invalidField('from_number', 'is required: the trunk has no default number');
    return own;
  }
  const known = wanted === trunk.default_from_number || trunk.caller_ids.includes(wanted) || await ownsNumber(wanted);
  if (!known) throw invalidField('from_number', 'is not a number of this workspace');
  return wanted;
}
