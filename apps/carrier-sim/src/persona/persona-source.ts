import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { errorMessage } from '@dialfleet/kit';
import { parsePersona, PersonaError } from './parse-persona.js';
import type { Persona, PersonaDocument } from './persona.js';

/** A built-in persona's name, the path of a `.json` file, or the document itself. */
export type PersonaSource = string | PersonaDocument;

const folder = new URL('../personas/', import.meta.url);

/** Names of the personas that come with the carrier: one file each. */
export const builtInPersonaNames = (): string[] =>
  readdirSync(folder).filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length)).sort();

/** @throws PersonaError when the name is not known, the file cannot be read, or the document is not valid */
export function loadPersona(source: PersonaSource): Persona {
  if (typeof source !== 'string') return parsePersona(source, typeof source?.name === 'string' ? `"${source.name}"` : undefined);
  if (source.endsWith('.json')) return readPersonaFile(resolve(source), source);
  const names = builtInPersonaNames();
  if (names.includes(source)) return readPersonaFile(new URL(`${source}.json`, folder), source);
  throw new PersonaError(`"${source}"`, [{ path: '', message: `is neither built in (${names.join(', ')}) nor a path that ends in .json` }]);
}

function readPersonaFile(file: string | URL, origin: string): Persona {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const problem = cause instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw new PersonaError(origin, [{ path: '', message: `${problem}: ${errorMessage(cause)}` }], { cause });
  }
  return parsePersona(document, origin);
}
