import type { ClaimedDelivery, SecretBox } from '@dialfleet/database';
import { authHeaders, signatureHeaders } from '@dialfleet/delivery';

const MASK = '********';

export interface PushRequest {
  url: string;
  headers: Record<string, string>;
  /** The same headers with the endpoint's secrets masked: for the delivery's log. */
  loggedHeaders: Record<string, string>;
}

/** The request of one attempt: opened secrets, auth, and a signature over the frozen body. @throws SecretUnreadable, or Error naming what is missing */
export function pushRequest(delivery: ClaimedDelivery, box: Pick<SecretBox, 'open' | 'openJson'>, userAgent: string, nowMs: number): PushRequest {
  const own = { 'content-type': 'application/json', 'user-agent': userAgent, 'x-dialfleet-event': delivery.event_type };
  const configured = delivery.headers === null ? {} : lowerCased(box.openJson<Record<string, string>>(delivery.headers));
  const auth = authHeaders(delivery.auth_scheme, delivery.auth === null ? {} : box.openJson<Record<string, string>>(delivery.auth));
  const signature = signatureHeaders({ id: delivery.message_id, timestampMs: nowMs, body: delivery.body, secrets: signingSecrets(delivery, box, nowMs) });
  const secret = { ...configured, ...auth };
  return {
    url: delivery.url,
    headers: { ...own, ...secret, ...signature },
    loggedHeaders: { ...own, ...Object.fromEntries(Object.keys(secret).map((name) => [name, MASK])), ...signature },
  };
}

/** The present secret, and the one before it while its rotation lasts. */
function signingSecrets(delivery: ClaimedDelivery, box: Pick<SecretBox, 'open'>, nowMs: number): string[] {
  const { secret, previous_secret: previous, previous_secret_expires_at: expiresAt } = delivery;
  const rotating = previous !== null && (expiresAt === null || expiresAt.getTime() > nowMs);
  return [box.open(secret), ...(rotating ? [box.open(previous)] : [])];
}

const lowerCased = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
