import { CallListQuery, isStorable } from '@dialfleet/contracts';
import type { CallFilter, PageRequest } from '@dialfleet/database';
import { invalidField } from '../http/problem.js';
import { validated } from '../http/validated.js';

const PREFIX = 'variables.';
export const DEFAULT_PAGE = 50;

/**
 * The query of `GET /calls`: named filters, and `variables.<name>=<value>` beside them. A `+` that was not encoded comes
 * as a space: no number begins with one. @throws ProblemError 422
 */
export function callListQuery(query: Record<string, unknown>): { filter: CallFilter; page: PageRequest } {
  const named = Object.fromEntries(Object.entries(query).filter(([name]) => !name.startsWith(PREFIX)));
  const { limit, cursor, bot_id, to_number, status, disconnected_by, from, to } = validated(CallListQuery, named);
  return {
    page: { limit: limit ?? DEFAULT_PAGE, cursor },
    filter: {
      botIds: bot_id === undefined ? undefined : [bot_id], toNumber: to_number?.replace(/^ (?=[0-9])/, '+'), state: status, disconnectedBy: disconnected_by,
      from: from === undefined ? undefined : new Date(from), to: to === undefined ? undefined : new Date(to), variables: variableFilters(query),
    },
  };
}

function variableFilters(query: Record<string, unknown>): Record<string, string> | undefined {
  const wanted = Object.entries(query).filter(([name]) => name.startsWith(PREFIX));
  for (const [name, value] of wanted) {
    if (typeof value !== 'string' || name.length === PREFIX.length || !isStorable(name) || !isStorable(value)) throw invalidField(name, 'must be given once, as variables.<name>=<value>');
  }
  return wanted.length === 0 ? undefined : Object.fromEntries(wanted.map(([name, value]) => [name.slice(PREFIX.length), value as string]));
}
