import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js';
import type { CallPlan } from './call-plan.js';

/** What stands in `caller_id` when the caller's number is withheld (RFC 3323 §4.1.1.3). */
export const ANONYMOUS = 'anonymous';

const MAX_USER = 64;
/** Printable, and nothing that means something in SIP, in a template or in a log. */
const UNUSABLE = /[^\w+.!~*'()&=$,;?/#-]/g;

/** The customer: who is called, or who calls. */
export const customerNumber = (plan: Pick<CallPlan, 'direction' | 'toNumber' | 'fromNumber'>): string =>
  plan.direction === 'inbound' ? plan.fromNumber : plan.toNumber;

/**
 * The number that a carrier may mean by the user part of a request URI (or a `tel:` URI), likeliest first: as E.164 where
 * it says so, in the trunk's country, as E.164 without its `+`, and as it stands. Empty when there is none.
 */
export function calledNumbers(user: string, defaultCountry?: string): string[] {
  const text = bareUser(user);
  if (text === '') return [];
  if (!/^\+?[0-9]+$/.test(withoutSeparators(text))) return [text];
  const dialled = withoutSeparators(text);
  const digits = dialled.replace('+', '');
  if (dialled.startsWith('+')) return unique([dialled, digits]);
  const international = digits.startsWith('00') ? [`+${digits.slice(2)}`] : [];
  return unique([...international, ...inCountry(digits, defaultCountry), ...(digits.startsWith('0') ? [] : [`+${digits}`]), digits]);
}

/** The caller's number: E.164 where it can be read as one, `anonymous` where it is withheld, else as it came. */
export function callerNumber(user: string, defaultCountry?: string): string {
  const text = bareUser(user);
  if (text === '' || /^(anonymous|restricted|unavailable|unknown|private)$/i.test(text)) return ANONYMOUS;
  const dialled = withoutSeparators(text);
  if (!/^\+?[0-9]+$/.test(dialled)) return text;
  if (dialled.startsWith('+')) return dialled;
  if (dialled.startsWith('00') && dialled.length > 8) return `+${dialled.slice(2)}`;
  return inCountry(dialled, defaultCountry)[0] ?? dialled;
}

/** `tel:+1-415;phone-context=…` → `+1-415`; percent signs undone; bounded. */
function bareUser(user: string): string {
  let text = user.trim();
  try { text = decodeURIComponent(text); } catch { /* no escapes, then */ }
  return text.replace(/^(?:sips?|tel):/i, '').replace(/[;@].*$/s, '').replace(UNUSABLE, '').slice(0, MAX_USER);
}

/** RFC 3966 §5.1.1. */
const withoutSeparators = (text: string): string => text.replace(/[-.()]/g, '');

function inCountry(digits: string, country: string | undefined): string[] {
  if (country === undefined) return [];
  const parsed = parsePhoneNumberFromString(digits, country as CountryCode);
  return parsed?.isPossible() ? [parsed.number] : [];
}

const unique = (numbers: string[]): string[] => [...new Set(numbers)];
