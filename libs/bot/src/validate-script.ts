import { brokenFlow, type ScriptError } from './script-flow.js';
import { globalIntents, SCRIPT_END, slotTypes, type BotScript, type ScriptStep } from './script.js';

export type { ScriptError } from './script-flow.js';
export type ScriptValidation = { ok: true; script: BotScript } | { ok: false; errors: ScriptError[] };

const MAX_STEPS = 200;
const MAX_TEXT_CHARACTERS = 2000;
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Checks a script as it comes from outside, and that every path through it is sound: known targets, no dead steps, no endless talk. */
export function validateScript(input: unknown): ScriptValidation {
  const reader = new ScriptReader();
  const script = readScript(reader, input);
  if (reader.errors.length === 0 && script) reader.errors.push(...brokenFlow(script));
  return reader.errors.length === 0 && script ? { ok: true, script } : { ok: false, errors: reader.errors };
}

type Fields = Record<string, unknown>;

/** Reads typed values and notes what is wrong, with where. */
class ScriptReader {
  readonly errors: ScriptError[] = [];

  fail(path: string, message: string): undefined {
    this.errors.push({ path, message });
    return undefined;
  }

  object(value: unknown, path: string, known: readonly string[]): Fields | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.fail(path, 'must be an object');
    for (const key of Object.keys(value)) if (!known.includes(key)) this.fail(at(path, key), 'is not a known field');
    return value as Fields;
  }

  list<T>(value: unknown, path: string, max: number, read: (item: unknown, path: string) => T | undefined): T[] | undefined {
    if (!Array.isArray(value)) return this.fail(path, 'must be an array');
    if (value.length > max) return this.fail(path, `must have at most ${max} items`);
    return value.flatMap((item, i) => read(item, `${path}[${i}]`) ?? []);
  }

  text(value: unknown, path: string, mayBeEmpty = false): string | undefined {
    if (typeof value !== 'string') return this.fail(path, 'must be a string');
    if (!mayBeEmpty && value.trim() === '') return this.fail(path, 'must not be empty');
    return value.length > MAX_TEXT_CHARACTERS ? this.fail(path, `must have at most ${MAX_TEXT_CHARACTERS} characters`) : value;
  }

  name(value: unknown, path: string): string | undefined {
    const text = this.text(value, path);
    if (text === undefined) return undefined;
    return NAME.test(text) ? text : this.fail(path, 'must begin with a letter and have only letters, digits and "_", at most 64');
  }

  texts(value: unknown, path: string): string[] | undefined { return this.list(value, path, 100, (item, itemPath) => this.text(item, itemPath)); }

  /** Fields that may be missing. */
  optional<T>(fields: Fields, key: string, path: string, read: (value: unknown, path: string) => T | undefined): Record<string, T> {
    if (fields[key] === undefined) return {};
    const value = read(fields[key], at(path, key));
    return value === undefined ? {} : { [key]: value };
  }
}

const at = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

function readScript(reader: ScriptReader, input: unknown): BotScript | undefined {
  const fields = reader.object(input, '', ['start', 'steps', 'faq', 'global']);
  if (!fields) return undefined;
  const steps = reader.list(fields['steps'], 'steps', MAX_STEPS, (item, path) => readStep(reader, item, path));
  if (steps?.length === 0 && Array.isArray(fields['steps']) && fields['steps'].length === 0) reader.fail('steps', 'must have at least one step');
  return {
    ...reader.optional(fields, 'start', '', (value, path) => reader.name(value, path)),
    steps: steps ?? [],
    ...reader.optional(fields, 'faq', '', (value, path) => reader.list(value, path, 100, (item, itemPath) => readFaq(reader, item, itemPath))),
    ...reader.optional(fields, 'global', '', (value, path) => readGlobal(reader, value, path)),
  };
}

function readStep(reader: ScriptReader, input: unknown, path: string): ScriptStep | undefined {
  const fields = reader.object(input, path, ['name', 'say', 'expect', 'hints', 'reprompt', 'maxReprompts', 'max_reprompts', 'otherwise', 'next', 'disposition']);
  if (!fields) return undefined;
  const name = reader.name(fields['name'], at(path, 'name'));
  const say = reader.text(fields['say'] ?? '', at(path, 'say'), true);
  if (name === SCRIPT_END) reader.fail(at(path, 'name'), `"${SCRIPT_END}" ends the script and cannot be the name of a step`);
  const text = (key: string) => reader.optional(fields, key, path, (value, keyPath) => reader.text(value, keyPath));
  const target = (key: string) => reader.optional(fields, key, path, (value, keyPath) => reader.name(value, keyPath));
  const step = {
    name: name ?? '', say: say ?? '', ...text('reprompt'), ...target('otherwise'), ...target('next'), ...target('disposition'),
    ...reader.optional(fields, 'hints', path, (value, keyPath) => reader.texts(value, keyPath)),
    ...reader.optional(fields, 'expect', path, (value, keyPath) => reader.list(value, keyPath, 50, (item, itemPath) => readExpectation(reader, item, itemPath))),
    ...readMaxReprompts(reader, fields, path),
  } as ScriptStep;
  if (step.expect === undefined && step.next === undefined && fields['expect'] === undefined) reader.fail(path, `expects nothing, so it must say what is "next" ("${SCRIPT_END}" to finish)`);
  if (step.expect?.length === 0 && Array.isArray(fields['expect']) && fields['expect'].length === 0) reader.fail(at(path, 'expect'), 'must have at least one item, or be left out');
  if (fields['expect'] !== undefined && step.next !== undefined) reader.fail(at(path, 'next'), 'is only for a step that expects nothing: each expectation has its own');
  return step;
}

function readMaxReprompts(reader: ScriptReader, fields: Fields, path: string): { maxReprompts?: number } {
  const key = fields['max_reprompts'] === undefined ? 'maxReprompts' : 'max_reprompts';
  const value = fields[key];
  if (value === undefined) return {};
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 10) return { maxReprompts: value };
  reader.fail(at(path, key), 'must be a whole number from 0 to 10');
  return {};
}

type Expectation = NonNullable<ScriptStep['expect']>[number];

function readExpectation(reader: ScriptReader, input: unknown, path: string): Expectation | undefined {
  const isSlot = typeof input === 'object' && input !== null && 'slot' in input;
  const fields = reader.object(input, path, isSlot ? ['slot', 'type', 'next', 'disposition'] : ['intent', 'examples', 'next', 'disposition']);
  if (!fields) return undefined;
  const rest = {
    next: reader.name(fields['next'], at(path, 'next')) ?? '',
    ...reader.optional(fields, 'disposition', path, (value, keyPath) => reader.name(value, keyPath)),
  };
  if (!isSlot) {
    const intent = reader.name(fields['intent'], at(path, 'intent')) ?? '';
    return { intent, ...reader.optional(fields, 'examples', path, (value, keyPath) => reader.texts(value, keyPath)), ...rest };
  }
  const slot = reader.name(fields['slot'], at(path, 'slot')) ?? '';
  const type = slotTypes.find((known) => known === fields['type']);
  if (!type) return reader.fail(at(path, 'type'), `must be one of ${slotTypes.join(', ')}`);
  return { slot, type, ...rest };
}

function readFaq(reader: ScriptReader, input: unknown, path: string): { examples: string[]; answer: string } | undefined {
  const fields = reader.object(input, path, ['examples', 'answer']);
  if (!fields) return undefined;
  const examples = reader.texts(fields['examples'], at(path, 'examples'));
  if (examples?.length === 0) reader.fail(at(path, 'examples'), 'must have at least one example');
  return { examples: examples ?? [], answer: reader.text(fields['answer'], at(path, 'answer')) ?? '' };
}

function readGlobal(reader: ScriptReader, input: unknown, path: string): BotScript['global'] {
  const fields = reader.object(input, path, globalIntents);
  if (!fields) return undefined;
  return Object.fromEntries(globalIntents.filter((intent) => fields[intent] !== undefined).map((intent) => [intent, readReply(reader, fields[intent], at(path, intent))]));
}

function readReply(reader: ScriptReader, input: unknown, path: string): { say: string; next?: string; disposition?: string } | null {
  if (input === null) return null;
  const fields = reader.object(input, path, ['say', 'next', 'disposition']);
  if (!fields) return null;
  return {
    say: reader.text(fields['say'], at(path, 'say')) ?? '',
    ...reader.optional(fields, 'next', path, (value, keyPath) => reader.name(value, keyPath)),
    ...reader.optional(fields, 'disposition', path, (value, keyPath) => reader.name(value, keyPath)),
  };
}
