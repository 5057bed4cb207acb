import { fliteVoices } from '@dialfleet/providers';
import { DocumentReader, type DocumentIssue } from './document-reader.js';
import { parseTurn } from './parse-turn.js';
import type { Persona, Pickup, Turn } from './persona.js';

/** A persona that cannot be used; `issues` names every mistake, the message lists them. */
export class PersonaError extends Error {
  constructor(readonly origin: string, readonly issues: readonly DocumentIssue[], options?: ErrorOptions) {
    super([`${origin} is not a valid persona:`, ...issues.map(({ path, message }) => `  ${path === '' ? 'it' : path} ${message}`)].join('\n'), options);
    this.name = 'PersonaError';
  }
}


const DEFAULT_VOICE = 'rms';
const MAX_TURNS = 200;
/** Long enough for any ring time-out, short enough that a lost caller does not ring for ever. */
const LONGEST_RING_MS = 600_000;

const known = ['name', 'description', 'voice', 'speed', 'answers', 'refuses', 'turns', 'echoes'];

/**
 * A persona from its document, as read from JSON or written in code.
 *
 * @param origin how the document is called in errors: a file name, or the default
 * @throws PersonaError naming every mistake with its path
 */
export function parsePersona(document: unknown, origin = 'the document'): Persona {
  const issues: DocumentIssue[] = [];
  const reader = DocumentReader.of(document, known, '', issues);
  const persona = reader && readPersona(reader);
  if (!persona || issues.length > 0) throw new PersonaError(origin, issues);
  return persona;
}

function readPersona(reader: DocumentReader): Persona {
  const persona: Persona = {
    name: reader.text('name', { fallback: '', matches: /^[A-Za-z0-9_-]{1,64}$/, shape: 'letters, digits, - and _', required: true }),
    description: reader.text('description', { fallback: '' }),
    voice: reader.oneOf<string>('voice', fliteVoices, DEFAULT_VOICE),
    speed: reader.number('speed', { min: 0.5, max: 2, fallback: 1 }),
    pickup: pickupOf(reader),
    turns: turnsOf(reader),
    echoes: reader.flag('echoes', false),
  };
  checkTogether(reader, persona);
  return persona;
}

function pickupOf(reader: DocumentReader): Pickup {
  if (reader.has('refuses')) {
    if (reader.has('answers')) reader.complain('answers', 'cannot stand beside refuses');
    return refusalOf(reader);
  }
  if (reader.value('answers') === false) return { kind: 'never_answers' };
  const answers = reader.has('answers') ? reader.object('answers', ['after_ms', 'rings', 'early_media']) : undefined;
  return {
    kind: 'answers',
    afterMs: answers?.integer('after_ms', { min: 0, max: LONGEST_RING_MS, fallback: 1000 }) ?? 1000,
    rings: answers?.flag('rings', true) ?? true,
    earlyMedia: answers?.flag('early_media', false) ?? false,
  };
}

function refusalOf(reader: DocumentReader): Pickup {
  const refuses = reader.object('refuses', ['status', 'reason', 'after_ms', 'rings']);
  if (refuses && !refuses.has('status')) refuses.complain('status', 'is missing');
  return {
    kind: 'refuses',
    status: refuses?.integer('status', { min: 400, max: 699, fallback: 486 }) ?? 486,
    reason: refuses?.has('reason') ? refuses.text('reason', { fallback: '', matches: /^[\x20-\x7e]+$/, shape: 'one line of ASCII', maxChars: 100 }) : null,
    afterMs: refuses?.integer('after_ms', { min: 0, max: LONGEST_RING_MS, fallback: 0 }) ?? 0,
    rings: refuses?.flag('rings', refuses.has('after_ms')) ?? false,
  };
}

const turnsOf = (reader: DocumentReader): Turn[] =>
  reader.list('turns', MAX_TURNS).flatMap(({ value, path }) => parseTurn(value, path, reader.issues) ?? []);

/** What each field alone cannot show. */
function checkTogether(reader: DocumentReader, persona: Persona): void {
  if (persona.pickup.kind !== 'answers') {
    for (const field of ['turns', 'echoes']) {
      if (reader.has(field)) reader.complain(field, 'has no meaning: this customer never picks up');
    }
  }
  if (persona.echoes && persona.turns.length > 0) reader.complain('turns', 'cannot stand beside echoes');
  const hangUp = persona.turns.findIndex(({ act }) => act?.kind === 'hang_up');
  if (hangUp >= 0 && hangUp < persona.turns.length - 1) reader.complain(`turns[${hangUp + 1}]`, 'comes after hangs_up');
}
