import { DateTime } from 'luxon';
import type { JsonValue } from './json-value.js';

/** Types that a mapped value can be forced to. */
export const coercions = ['string', 'number', 'boolean', 'json', 'iso8601'] as const;
export type Coercion = (typeof coercions)[number];

export const isCoercion = (value: unknown): value is Coercion => coercions.includes(value as Coercion);

/** The value as the type asked for; undefined where it has none (`"soon"` as number). */
export function coerce(value: JsonValue, as: Coercion): JsonValue | undefined {
  switch (as) {
    case 'string': return typeof value === 'string' ? value : JSON.stringify(value);
    case 'number': return asNumber(value);
    case 'boolean': return asBoolean(value);
    case 'json': return typeof value === 'string' ? parseJson(value) : value;
    case 'iso8601': return asIso8601(value);
  }
}

function asNumber(value: JsonValue): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

const truths = new Map([['true', true], ['yes', true], ['y', true], ['1', true], ['on', true],
  ['false', false], ['no', false], ['n', false], ['0', false], ['off', false], ['', false]]);

function asBoolean(value: JsonValue): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  return truths.get(String(value).trim().toLowerCase());
}

function parseJson(text: string): JsonValue | undefined {
  try { return JSON.parse(text) as JsonValue; } catch { return undefined; }
}

/** Unix times above this are milliseconds, below it seconds: as seconds it is the year 5138, as milliseconds 1973. */
const FIRST_MILLISECONDS = 1e11;

/** UTC with milliseconds. Reads ISO 8601, RFC 2822, HTTP and SQL dates (UTC where no zone is given), Unix s and ms. */
function asIso8601(value: JsonValue): string | undefined {
  const unix = asNumber(value);
  const parsed = unix !== undefined && typeof value !== 'boolean'
    ? DateTime.fromMillis(Math.abs(unix) < FIRST_MILLISECONDS ? unix * 1000 : unix, { zone: 'utc' })
    : parseDate(value);
  return parsed?.isValid ? parsed.toUTC().toISO() ?? undefined : undefined;
}

function parseDate(value: JsonValue): DateTime | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const zone = { zone: 'utc' };
  return [DateTime.fromISO(text, zone), DateTime.fromRFC2822(text, zone), DateTime.fromHTTP(text, zone), DateTime.fromSQL(text, zone)]
    .find((date) => date.isValid);
}
