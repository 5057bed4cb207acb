import type { ExtractRequest } from '@dialfleet/conversation';

const outcomes: Readonly<Record<string, string>> = {
  callback_requested: 'The customer asked to be called back.', confirmed: 'The customer confirmed.', cancelled: 'The customer cancelled.',
  do_not_call: 'The customer asked not to be called again.', wrong_number: 'The number belongs to somebody else.', agent_requested: 'The customer asked for a person.',
  not_interested: 'The customer is not interested.', rescheduled: 'The customer asked for another date.', completed: 'The conversation was completed.', no_conversation: 'The customer said nothing.',
};
/** Dispositions that follow from what was heard where the script names none. */
const byIntent: Readonly<Record<string, string>> = {
  do_not_call: 'do_not_call', wrong_number: 'wrong_number', agent: 'agent_requested', not_interested: 'not_interested', callback: 'callback_requested', busy: 'callback_requested',
  reschedule: 'rescheduled',
};

/**
 * Post-call analysis by rules: `{disposition, summary, intents, customer_spoke, customer_turns, <every slot by its name>}`.
 * With a JSON schema, only its properties.
 */
export function analyseCall({ transcript, notes, schema }: Pick<ExtractRequest, 'transcript' | 'notes' | 'schema'>): Record<string, unknown> {
  const customerTurns = transcript.filter((turn) => turn.speaker === 'customer' && turn.text.trim() !== '');
  const disposition = notes.disposition ?? dispositionOf(notes.intents, customerTurns.length);
  const known: Record<string, unknown> = {
    ...notes.slots, disposition, summary: summarise(disposition, notes.slots, customerTurns), intents: notes.intents, slots: notes.slots,
    customer_spoke: customerTurns.length > 0, customer_turns: customerTurns.length,
  };
  if (!schema) return withoutKeys(known, ['slots']);
  return only(known, schema);
}

function dispositionOf(intents: readonly string[], customerTurns: number): string {
  const last = intents.findLast((intent) => Object.hasOwn(byIntent, intent));
  return last !== undefined ? byIntent[last] : customerTurns > 0 ? 'completed' : 'no_conversation';
}

function summarise(disposition: string, slots: Readonly<Record<string, unknown>>, customerTurns: readonly { text: string }[]): string {
  const outcome = Object.hasOwn(outcomes, disposition) ? outcomes[disposition] : `The call ended as "${disposition.replaceAll('_', ' ')}".`;
  const details = Object.entries(slots).map(([name, value]) => `${name.replaceAll('_', ' ')}: ${String(value).replace(/[.!?\s]+$/, '')}`).join('; ');
  if (details !== '') return `${outcome} Noted: ${details}.`;
  const lastWords = customerTurns.at(-1)?.text.trim();
  return lastWords ? `${outcome} The customer's last words: "${lastWords}"` : outcome;
}

/** The schema's own properties, where something is known and of the type it wants. */
function only(known: Record<string, unknown>, schema: Record<string, unknown>): Record<string, unknown> {
  const properties = schema['properties'];
  if (typeof properties !== 'object' || properties === null) return withoutKeys(known, ['slots']);
  return Object.fromEntries(Object.entries(properties as Record<string, unknown>)
    .filter(([name, wanted]) => Object.hasOwn(known, name) && fits(known[name], wanted)).map(([name]) => [name, known[name]]));
}

function fits(value: unknown, wanted: unknown): boolean {
  const { type, enum: allowed } = (typeof wanted === 'object' && wanted !== null ? wanted : {}) as { type?: unknown; enum?: unknown };
  if (Array.isArray(allowed) && !allowed.includes(value)) return false;
  const types = Array.isArray(type) ? type : type === undefined ? [] : [type];
  return types.length === 0 || types.some((name) => name === jsonType(value) || (name === 'integer' && Number.isInteger(value)));
}

const jsonType = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);
const withoutKeys = (object: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
