import { IsObject, ValidateNested } from 'class-validator';
import { isRecord } from './rules.js';

export interface FieldProblem { path: string; message: string }
type Constructor<T extends object = object> = new () => T;
type Convert = (value: unknown, path: string, problems: FieldProblem[]) => unknown;

/** By prototype, then property: how a JSON value becomes the property's value. All else is taken as it is. */
const conversions = new WeakMap<object, Map<string, Convert>>();

const converts = (convert: Convert): PropertyDecorator => (prototype, key) => {
  const own = conversions.get(prototype) ?? new Map<string, Convert>();
  conversions.set(prototype, own.set(String(key), convert));
};

/** An object with rules of its own. */
export const Nested = (type: () => Constructor): PropertyDecorator => (prototype, key) => {
  IsObject()(prototype, key as string);
  ValidateNested()(prototype, key as string);
  converts((value, path, problems) => (isRecord(value) ? instantiate(type(), value, path, problems) : value))(prototype, key);
};

/** A number that comes as text, in a query string. */
export const NumberText = (): PropertyDecorator => converts((value) => (typeof value === 'string' && /^-?[0-9]{1,9}$/.test(value) ? Number(value) : value));

/**
 * JSON → an instance that class-validator can judge. `null` is the same as not given. Names that every object has
 * (`constructor`, `__proto__`) are no fields of ours: they are reported and left out, at every level that has rules.
 */
export function instantiate<T extends object>(type: Constructor<T>, input: Record<string, unknown>, path: string, problems: FieldProblem[]): T {
  const instance = new type();
  for (const [key, value] of Object.entries(input)) {
    if (value === null) continue;
    const inner = path === '' ? key : `${path}.${key}`;
    if (key in Object.prototype) { problems.push({ path: inner, message: 'is not a known field' }); continue; }
    const convert = conversionOf(type.prototype as object, key);
    (instance as Record<string, unknown>)[key] = convert ? convert(value, inner, problems) : value;
  }
  return instance;
}

function conversionOf(prototype: object, key: string): Convert | undefined {
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    const convert = conversions.get(level)?.get(key);
    if (convert) return convert;
  }
  return undefined;
}
