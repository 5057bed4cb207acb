import type { CallResult } from '@dialfleet/call';
import type { FrozenDelivery, ResultEndpoint } from '@dialfleet/database';
import { mapBody, pushScope, type KeyMapper } from '@dialfleet/delivery';

export interface FreezeContext {
  result: CallResult;
  /** `{{crm.*}}`: the CRM data as the call saw it. */
  crm: Record<string, unknown>;
  nowMs: number;
  /** Of `{{system.*}}`. */
  timezone: string;
}

/** One message for each endpoint, its body fixed from now on: a retry or replay sends the very same text. */
export function freezeDeliveries(endpoints: readonly ResultEndpoint[], context: FreezeContext): FrozenDelivery[] {
  const scope = pushScope(context.result, context.crm, context.nowMs, context.timezone);
  return endpoints.map((endpoint) => {
    if (endpoint.kind !== 'crm_push' || !isMapper(endpoint.mapper)) return { endpoint, body: JSON.stringify(context.result), unresolved: [] };
    const { body, unresolved } = mapBody(endpoint.mapper, scope);
    return { endpoint, body: JSON.stringify(body), unresolved };
  });
}

const isMapper = (mapper: unknown): mapper is KeyMapper => typeof mapper === 'object' && mapper !== null && !Array.isArray(mapper);
