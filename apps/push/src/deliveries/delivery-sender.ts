import type { AttemptRecord, ClaimedDelivery, PushDeliveries, SecretBox } from '@dialfleet/database';
import { attemptDelaysMs, ATTEMPT_TIMEOUT_MS, judgeAttempt, type AttemptOutcome } from '@dialfleet/delivery';
import type { EgressRequest, EgressResponse } from '@dialfleet/egress';
import { backoffMs, errorMessage, sleep, type Clock, type Logger } from '@dialfleet/kit';
import { pushRequest } from './push-request.js';

export type HttpSend = (request: Pick<EgressRequest, 'url' | 'method' | 'headers' | 'body' | 'timeoutMs' | 'maxResponseBytes'>) => Promise<EgressResponse>;

export interface DeliverySenderParts {
  deliveries: Pick<PushDeliveries, 'finish'>;
  send: HttpSend;
  box: Pick<SecretBox, 'open' | 'openJson'>;
  userAgent: string;
  clock: Clock;
  logger: Logger;
  random?: () => number;
}

/** Of the receiver's answer, for the delivery's log. */
const MAX_RESPONSE_BYTES = 4096;
const MAX_LOGGED_HEADERS = 40;
const TEST_EVENT = 'test';

/** Makes one attempt of a leased delivery and records what came of it. */
export class DeliverySender {
  constructor(private readonly parts: DeliverySenderParts) {}

  /** Never rejects: what cannot be recorded is sent again when its lease runs out. `leaseUntilMs`: on the wall clock. */
  async attempt(delivery: ClaimedDelivery, leaseUntilMs: number): Promise<void> {
    const { clock, logger } = this.parts;
    const { outcome, record } = await this.send(delivery);
    const nowMs = clock.nowMs();
    // A test is tried once: whoever pressed the button is watching.
    const number = delivery.event_type === TEST_EVENT ? attemptDelaysMs.length : delivery.attempt;
    const verdict = judgeAttempt(outcome, number, nowMs, this.parts.random);
    logger[verdict.state === 'delivered' ? 'info' : 'warn']('delivery attempted', {
      delivery_id: delivery.id, session_id: delivery.session_id, endpoint_id: delivery.endpoint_id, attempt: delivery.attempt, state: verdict.state,
      status: record.status, error: verdict.error, duration_ms: record.durationMs,
    });
    for (let tries = 0; ; tries++) {
      try {
        if (!await this.parts.deliveries.finish(delivery, record, verdict, nowMs)) logger.warn('the lease of a delivery was lost', { delivery_id: delivery.id });
        return;
      } catch (error) {
        logger.error('an attempt could not be recorded', { delivery_id: delivery.id, error });
        if (clock.nowMs() > leaseUntilMs) return;
        await sleep(clock, backoffMs(tries, 100, 5000));
      }
    }
  }

  private async send(delivery: ClaimedDelivery): Promise<{ outcome: AttemptOutcome; record: AttemptRecord }> {
    const { clock, box, userAgent } = this.parts;
    const startedAtMs = clock.nowMs();
    const begun = clock.monotonicMs();
    const record: AttemptRecord = { startedAtMs, durationMs: 0, status: null, requestHeaders: {}, responseHeaders: null, responseBody: null };
    const outcome = await this.exchange(() => {
      const request = pushRequest(delivery, box, userAgent, startedAtMs);
      record.requestHeaders = request.loggedHeaders;
      return this.parts.send({
        url: request.url, method: 'POST', headers: request.headers, body: delivery.body, timeoutMs: ATTEMPT_TIMEOUT_MS, maxResponseBytes: MAX_RESPONSE_BYTES,
      });
    }, record);
    record.durationMs = Math.round(clock.monotonicMs() - begun);
    return { outcome, record };
  }

  private async exchange(post: () => Promise<EgressResponse>, record: AttemptRecord): Promise<AttemptOutcome> {
    try {
      const response = await post();
      record.status = response.status;
      record.responseHeaders = Object.fromEntries(Object.entries(response.headers).slice(0, MAX_LOGGED_HEADERS));
      record.responseBody = response.body.toString('utf8');
      return { answered: true, status: response.status, retryAfter: response.headers['retry-after'] };
    } catch (error) {
      return { answered: false, error: errorMessage(error) };
    }
  }
}
