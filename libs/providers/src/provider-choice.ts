import type { ProviderChoice } from '@dialfleet/bot';
import { Fault } from '@dialfleet/kit';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import type { ProviderEntry } from './provider-entry.js';

/** A bot names a vendor that is not there, or options that the vendor does not take. */
export class InvalidProviderError extends Fault {
  readonly code = 'invalid_provider';

  constructor(kind: string, readonly problems: readonly string[]) {
    super(`invalid ${kind} provider: ${problems.join('; ')}`, false);
  }
}

export type ChosenProvider<Vendor> = { ok: true; entry: ProviderEntry<Vendor>; options: object } | { ok: false; problems: string[] };

/** Finds the vendor and validates its options. Problems read `path: what is wrong`, as `options.voice: must be …`. */
export function chooseProvider<Vendor>(registry: Record<string, ProviderEntry<Vendor>>, choice: ProviderChoice): ChosenProvider<Vendor> {
  const { provider, options = {} } = choice;
  if (typeof provider !== 'string' || !Object.hasOwn(registry, provider)) {
    return { ok: false, problems: [`provider: must be one of ${Object.keys(registry).join(', ')}`] };
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return { ok: false, problems: ['options: must be an object'] };
  const entry = registry[provider];
  const instance = plainToInstance(entry.options, options);
  const errors = validateSync(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false });
  return errors.length === 0 ? { ok: true, entry, options: instance } : { ok: false, problems: errors.flatMap((error) => problemsOf(error, 'options')) };
}

function problemsOf(error: ValidationError, parent: string): string[] {
  const path = `${parent}.${error.property}`;
  const own = Object.values(error.constraints ?? {}).map((message) => `${path}: ${message.replace(`property ${error.property} should not exist`, 'is not an option').replace(`${error.property} `, '')}`);
  return [...own, ...(error.children ?? []).flatMap((child) => problemsOf(child, path))];
}
