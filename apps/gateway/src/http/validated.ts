import { validateAs } from '@dialfleet/contracts';
import { Body, Query, type PipeTransform } from '@nestjs/common';
import { invalid, invalidField } from './problem.js';

/** `input` as a valid `type`. @throws ProblemError 422 with the path of everything that is wrong. */
export function validated<T extends object>(type: new () => T, input: unknown): T {
  const verdict = validateAs(type, input);
  if (verdict.ok) return verdict.value;
  throw invalid(verdict.errors);
}

const pipeFor = <T extends object>(type: new () => T): PipeTransform => ({ transform: (input: unknown) => validated(type, input) });

/** The body as `type`, validated. */
export const ValidBody = <T extends object>(type: new () => T): ParameterDecorator => Body(pipeFor(type));
/** The query string as `type`, validated. */
export const ValidQuery = <T extends object>(type: new () => T): ParameterDecorator => Query(pipeFor(type));

/** A body that must be an object and is validated later, merged with what is stored. */
export const ObjectBody = (): ParameterDecorator => Body({
  transform: (input: unknown) => {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) throw invalidField('', 'must be a JSON object');
    return input;
  },
} satisfies PipeTransform);
