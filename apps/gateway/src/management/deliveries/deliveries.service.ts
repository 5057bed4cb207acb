import type { DeliveryAttemptView, DeliveryDetail, DeliveryListQuery, DeliveryView, EndpointReplayed, EndpointReplayRequest, PageView } from '@dialfleet/contracts';
import { isId, newId, pageArgs, pageOf, pageWhere, storableText, type Database, type DeliveryAttemptModel, type DeliveryModel } from '@dialfleet/database';
import { mapBody, messageId, pushScope, sampleOutcome, sampleResult, statesBefore, type KeyMapper } from '@dialfleet/delivery';
import { uuidV7, type Clock } from '@dialfleet/kit';
import { Inject, Injectable } from '@nestjs/common';
import type { RequestContext } from '../../auth/access.js';
import { invalidField, ProblemError } from '../../http/problem.js';
import { CLOCK, DATABASE } from '../../tokens.js';
import { auditOf } from '../audit-trail.js';
import { EndpointsService } from '../endpoints.service.js';
import { pageRequest } from '../page-request.js';

const replayable = statesBefore('replayed');
const undelivered = replayable.filter((state) => state !== 'delivered' && state !== 'pending');
const MAX_ATTEMPTS_SHOWN = 100;

/** The log of messages to endpoints, and sending them again. Push does the sending: it looks once a second. */
@Injectable()
export class DeliveriesService {
  constructor(@Inject(DATABASE) private readonly database: Database, private readonly endpoints: EndpointsService, @Inject(CLOCK) private readonly clock: Clock) {}

  async list(workspaceId: string, query: DeliveryListQuery): Promise<PageView<DeliveryView>> {
    const page = pageRequest(query);
    const rows = await this.database.delivery.findMany({
      where: { workspaceId, state: query.state, endpointId: query.endpoint_id, sessionId: query.session_id, ...pageWhere(page) }, ...pageArgs(page),
    });
    const { data, nextCursor } = pageOf(rows, page.limit);
    return { data: data.map(deliveryView), next_cursor: nextCursor };
  }

  async get(workspaceId: string, id: string): Promise<DeliveryDetail> {
    const row = await this.require(workspaceId, id);
    const [endpoint, attempts] = await Promise.all([
      this.database.endpoint.findFirstOrThrow({ where: { id: row.endpointId, workspaceId }, select: { url: true } }),
      this.database.deliveryAttempt.findMany({ where: { deliveryId: id, workspaceId }, orderBy: { id: 'asc' }, take: MAX_ATTEMPTS_SHOWN }),
    ]);
    return { ...deliveryView(row), url: endpoint.url, request_body: row.body, attempts: attempts.map(attemptView) };
  }

  /** The same message again, from the start of the schedule. */
  async replay(context: RequestContext, id: string): Promise<DeliveryView> {
    const { workspaceId } = context.principal;
    await this.require(workspaceId, id);
    const [{ count }] = await this.database.$transaction([
      this.database.delivery.updateMany({ where: { id, workspaceId, state: { in: replayable } }, data: this.fromTheStart() }),
      auditOf(this.database, context, { action: 'delivery.replayed', targetType: 'delivery', targetId: id }),
    ]);
    if (count === 0) throw new ProblemError('conflict', 'This delivery is being sent at this moment.');
    return deliveryView(await this.require(workspaceId, id));
  }

  /** What was made for the endpoint from `from` to before `to`. */
  async replayRange(context: RequestContext, endpointId: string, { from, to, state }: EndpointReplayRequest): Promise<EndpointReplayed> {
    const { workspaceId } = context.principal;
    await this.endpoints.require(workspaceId, endpointId);
    const createdAt = { gte: new Date(from), lt: to === undefined ? new Date(this.clock.nowMs()) : new Date(to) };
    if (createdAt.gte >= createdAt.lt) throw invalidField('to', 'must be after from');
    const [{ count }] = await this.database.$transaction([
      this.database.delivery.updateMany({ where: { workspaceId, endpointId, createdAt, state: { in: state === undefined ? undelivered : [state] } }, data: this.fromTheStart() }),
      auditOf(this.database, context, { action: 'endpoint.replayed', targetType: 'endpoint', targetId: endpointId, detail: { from, to: to ?? null, state: state ?? null } }),
    ]);
    return { replayed: count };
  }

  /** Sends a sample call's message once, signed and authorised like any other; its delivery tells how it went. */
  async test(context: RequestContext, endpointId: string): Promise<DeliveryView> {
    const { workspaceId } = context.principal;
    const endpoint = await this.endpoints.require(workspaceId, endpointId);
    if (!endpoint.enabled) throw new ProblemError('conflict', 'This endpoint is disabled: enable it to test it.');
    const nowMs = this.clock.nowMs();
    const sessionId = uuidV7(nowMs);
    const outcome = sampleOutcome({ sessionId, workspaceId, botId: endpoint.botId });
    const result = sampleResult(outcome);
    const mapper = endpoint.kind === 'crm_push' ? endpoint.mapper as KeyMapper | null : null;
    const { body, unresolved } = mapper ? mapBody(mapper, pushScope(result, outcome.crm, nowMs, 'UTC')) : { body: result, unresolved: [] };
    const id = newId('delivery');
    const [row] = await this.database.$transaction([
      this.database.delivery.create({ data: {
        id, workspaceId, sessionId, endpointId, botId: endpoint.botId, messageId: messageId(sessionId, endpointId), eventType: 'test',
        body: storableText(JSON.stringify(body)), unresolved, nextAttemptAt: new Date(nowMs),
      } }),
      auditOf(this.database, context, { action: 'endpoint.tested', targetType: 'endpoint', targetId: endpointId, detail: { delivery_id: id } }),
    ]);
    return deliveryView(row);
  }

  private fromTheStart() {
    return { state: 'pending', attempt: 0, nextAttemptAt: new Date(this.clock.nowMs()), heldUntil: null, deliveredAt: null, leaseUntil: null, leaseOwner: null };
  }

  private async require(workspaceId: string, id: string): Promise<DeliveryModel> {
    const row = isId(id) ? await this.database.delivery.findFirst({ where: { id, workspaceId } }) : null;
    if (!row) throw new ProblemError('delivery_not_found', 'There is no delivery with this id.');
    return row;
  }
}

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

const deliveryView = (row: DeliveryModel): DeliveryView => ({
  delivery_id: row.id, webhook_id: row.messageId, event: row.eventType, session_id: row.sessionId, bot_id: row.botId, endpoint_id: row.endpointId, state: row.state,
  attempts_made: row.attempt, next_attempt_at: row.state === 'sending' ? null : iso(row.nextAttemptAt), last_status: row.lastStatus, last_error: row.lastError,
  unresolved: row.unresolved as string[], held_until: iso(row.heldUntil), delivered_at: iso(row.deliveredAt), created_at: row.createdAt.toISOString(),
});

const attemptView = (row: DeliveryAttemptModel): DeliveryAttemptView => ({
  attempt: row.attempt, started_at: row.startedAt.toISOString(), duration_ms: row.durationMs, status: row.status, error: row.error,
  request_headers: row.requestHeaders as Record<string, string>, response_headers: row.responseHeaders as Record<string, string> | null, response_body: row.responseBody,
});
