import { builtInPersonaNames, loadPersona, type PersonaSource } from '../persona/persona-source.js';
import type { Persona } from '../persona/persona.js';

export interface PersonaChoice {
  /** Who answers numbers that are not listed; default `callback`. */
  default?: PersonaSource;
  /** By dialled user part; written with or without `+` and separators. */
  byNumber?: Readonly<Record<string, PersonaSource>>;
}

const DEFAULT_PERSONA = 'callback';

/** Who answers which number: a listed number, then a built-in persona dialled by its name, then the default. */
export class PersonaBook {
  private readonly fallback: Persona;
  private readonly byNumber = new Map<string, Persona>();
  private readonly byName: ReadonlyMap<string, Persona>;

  /** @throws PersonaError */
  constructor({ default: fallback = DEFAULT_PERSONA, byNumber = {} }: PersonaChoice) {
    this.fallback = loadPersona(fallback);
    for (const [number, source] of Object.entries(byNumber)) this.byNumber.set(canonical(number), loadPersona(source));
    this.byName = new Map(builtInPersonaNames().map((name) => [name, loadPersona(name)]));
  }

  /** Those that were asked for: worth preparing before the first call. */
  get expected(): Persona[] { return [this.fallback, ...this.byNumber.values()]; }

  personaFor(dialled: string): Persona {
    return this.byNumber.get(canonical(dialled)) ?? this.byName.get(dialled) ?? this.fallback;
  }
}

/** Numbers by their digits (trunks drop or add the `+`), other user parts as they are. */
const canonical = (user: string): string => (/^[+\d().\-\s]*\d[+\d().\-\s]*$/.test(user) ? user.replace(/\D/g, '') : user);
