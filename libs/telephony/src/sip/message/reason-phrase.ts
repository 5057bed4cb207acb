import { getReasonPhrase } from 'sip.js/lib/core/messages/utils.js';

/** RFC 3261 §21's words for a status; its class's where it has none. */
export function reasonPhrase(sipStatus: number): string {
  const exact = getReasonPhrase(sipStatus);
  if (exact !== '') return exact;
  return sipStatus < 200 ? 'Session Progress' : sipStatus < 300 ? 'OK' : 'Failure';
}
