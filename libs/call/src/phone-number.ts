import { fail, ok, type Result } from '@dialfleet/kit';
import { parsePhoneNumberFromString, type CountryCode, isSupportedCountry } from 'libphonenumber-js';

export type NumberFailure = { code: 'invalid_number'; message: string };

export interface NumberRules {
  /** ISO 3166-1 alpha-2, used for numbers without `+`. */
  defaultCountry?: string;
  /** Test trunks and PBXs: a SIP user part (`alice`, `echo-1`) is dialled as it is. */
  allowSipUser?: boolean;
}

/** `+`, digits, and what people put between them. Anything else (letters, CR/LF, `@`, `;`) is refused. */
const NUMBER = /^\+?[ (]*[0-9][0-9 ().\-/]*$/;
const SIP_USER = /^[A-Za-z0-9][A-Za-z0-9_.!~*'-]{0,63}$/;
const E164 = /^\+[1-9][0-9]{5,14}$/;

export const isSupportedCountryCode = (country: string): boolean => isSupportedCountry(country);

/**
 * A number as typed → E.164 (ITU-T E.164, at most 15 digits). Without `+` and without a default country the digits are
 * kept as they are (1 to 20): the trunk's dial plan decides.
 */
export function normaliseNumber(raw: string, rules: NumberRules = {}): Result<string, NumberFailure> {
  const text = raw.trim();
  if (raw.length > 64 || /[\r\n\0]/.test(raw)) return invalid('must be a phone number of at most 64 characters, with no line breaks');
  if (NUMBER.test(text)) return fromDigits(text, rules);
  if (rules.allowSipUser && SIP_USER.test(text)) return ok(text);
  return invalid('must be a phone number: "+", digits and separators only');
}

function fromDigits(text: string, rules: NumberRules): Result<string, NumberFailure> {
  const digits = text.replace(/[^0-9]/g, '');
  if (text.startsWith('+')) {
    return E164.test(`+${digits}`) ? ok(`+${digits}`) : invalid('is not E.164: "+", country code and number, 6 to 15 digits');
  }
  if (rules.defaultCountry) {
    const parsed = parsePhoneNumberFromString(text, rules.defaultCountry as CountryCode);
    if (parsed?.isPossible()) return ok(parsed.number);
    if (!rules.allowSipUser) return invalid(`is not a possible number in ${rules.defaultCountry}`);
  }
  return digits.length <= 20 ? ok(digits) : invalid('has too many digits');
}

const invalid = (message: string): { ok: false } & NumberFailure => fail({ code: 'invalid_number' as const, message });

/** Allowed when the list is empty or one of its prefixes (E.164 or digits) begins the number. */
export function destinationAllowed(number: string, allowedPrefixes: readonly string[]): boolean {
  const digits = (text: string): string => text.replace(/[^0-9A-Za-z]/g, '');
  return allowedPrefixes.length === 0 || allowedPrefixes.some((prefix) => digits(number).startsWith(digits(prefix)));
}

/** Placeholders of a dial format; text round them (a prefix such as `9` or `00`) is kept. */
export const DIAL_FORMAT = /^[0-9A-Za-z+*#_.-]*\{(e164|digits|national)\}[0-9A-Za-z*#_.-]*$/;

/** The user part of the request URI that this trunk wants for `number`. */
export function dialUser(number: string, format: string): string {
  if (!/^\+?[0-9]+$/.test(number)) return number;
  const national = (): string => parsePhoneNumberFromString(number)?.nationalNumber ?? number.replace('+', '');
  return format.replace(/\{(e164|digits|national)\}/g, (_all, name: string) =>
    name === 'e164' ? number : name === 'digits' ? number.replace('+', '') : national());
}
