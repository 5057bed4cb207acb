import { destinationAllowed, dialUser, normaliseNumber } from '@dialfleet/call';
import type { DialoutTrunk } from '@dialfleet/database';
import { invalidField, ProblemError } from '../http/problem.js';

export interface CallRoute { trunk: DialoutTrunk; toNumber: string; fromNumber: string; dialUser: string }

/** Where the call goes and how it shows. `ownsNumber` is asked only for a caller id that is not the trunk's own. */
export async function routeCall(
  request: { to_number: string; from_number?: string }, trunk: DialoutTrunk | null, ownsNumber: (number: string) => Promise<boolean>,
): Promise<CallRoute> {
  const rules = { defaultCountry: trunk?.default_country ?? undefined, allowSipUser: trunk?.allow_sip_user ?? false };
  const to = normaliseNumber(request.to_number, rules);
  if (!to.ok) throw invalidField('to_number', to.message);
  if (!destinationAllowed(to.value, trunk?.allowed_prefixes ?? [])) throw new ProblemError('destination_blocked', 'The trunk of this bot may not call this destination.');
  if (!trunk) throw new ProblemError('no_outbound_trunk', 'The workspace has no outbound trunk, or the one the bot names is gone.');
  const fromNumber = await callerId(request.from_number, trunk, rules, ownsNumber);
  return { trunk, toNumber: to.value, fromNumber, dialUser: dialUser(to.value, trunk.dial_format) };
}

async function callerId(
  wanted: string | undefined, trunk: DialoutTrunk, rules: { defaultCountry?: string; allowSipUser: boolean }, ownsNumber: (number: string) => Promise<boolean>,
): Promise<string> {
  if (wanted === undefined) {
    const own = trunk.default_from_number ?? trunk.caller_ids[0];
    if (own === undefined) throw invalidField('from_number', 'is required: the trunk has no default number');
    return own;
  }
  const number = normaliseNumber(wanted, rules);
  if (!number.ok) throw invalidField('from_number', number.message);
  const known = number.value === trunk.default_from_number || trunk.caller_ids.includes(number.value) || await ownsNumber(number.value);
  if (!known) throw invalidField('from_number', 'is not a number of this workspace');
  return number.value;
}
