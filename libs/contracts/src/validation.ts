import { validateSync, type ValidationError } from 'class-validator';
import { instantiate, type FieldProblem } from './instantiate.js';
import { isRecord } from './rules.js';

export type Validated<T> = { ok: true; value: T } | { ok: false; errors: FieldProblem[] };

const MAX_DEPTH = 32;
const MAX_ERRORS = 50;

/** Whether `input` is a valid `type`: unknown fields, wrong types and texts that cannot be stored are errors with their paths. */
export function validateAs<T extends object>(type: new () => T, input: unknown): Validated<T> {
  if (!isRecord(input)) return { ok: false, errors: [{ path: '', message: 'must be a JSON object' }] };
  const unstorable = findUnstorable(input, '', 0);
  if (unstorable) return { ok: false, errors: [unstorable] };
  const problems: FieldProblem[] = [];
  const value = instantiate(type, input, '', problems);
  const errors = validateSync(value, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true, validationError: { target: false, value: false } });
  problems.push(...flatten(errors, ''));
  return problems.length === 0 ? { ok: true, value } : { ok: false, errors: problems.slice(0, MAX_ERRORS) };
}

function flatten(errors: readonly ValidationError[], parent: string): FieldProblem[] {
  return errors.flatMap((error) => {
    const path = parent === '' ? error.property : `${parent}.${error.property}`;
    // One message a field: the rule that stands first on it, its type, comes last here.
    const own = Object.entries(error.constraints ?? {}).slice(-1).map(([rule, message]) => ({ path, message: rule === 'whitelistValidation' ? 'is not a known field' : withoutName(message, error.property) }));
    return [...own, ...flatten(error.children ?? [], path)];
  });
}

/** class-validator's own messages begin with the field's name; `path` says it already. */
const withoutName = (message: string, name: string): string => (message.startsWith(`${name} `) ? message.slice(name.length + 1) : message);

/** PostgreSQL stores neither NUL nor half a surrogate pair; nothing we take is nested this deep. */
function findUnstorable(value: unknown, path: string, depth: number): FieldProblem | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : { path, message: 'must not contain NUL or unpaired surrogates' };
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= MAX_DEPTH) return { path, message: `must not be nested deeper than ${MAX_DEPTH} levels` };
  for (const [key, item] of Object.entries(value)) {
    const inner = path === '' ? key : `${path}.${key}`;
    const found = isStorable(key) ? findUnstorable(item, inner, depth + 1) : { path, message: 'must not have NUL or unpaired surrogates in its field names' };
    if (found) return found;
  }
  return undefined;
}

export const isStorable = (text: string): boolean => !/\0|\p{Surrogate}/u.test(text);
