import type { CallPage, TranscriptView } from '@dialfleet/contracts';
import { CallRepository, type CallFilter, type CallModel, type PageRequest } from '@dialfleet/database';
import { isUuid } from '@dialfleet/kit';
import { Injectable } from '@nestjs/common';
import { mayUseBot, type Principal } from '../auth/principal.js';
import { FleetPort } from '../fleet/fleet-port.js';
import { invalidField, ProblemError } from '../http/problem.js';
import { callState, callSummary } from './call-views.js';
import { spokenSoFar } from './spoken-so-far.js';

const RETRY_SECONDS = 1;

/** Reading calls, handing them over, and ending them. Another workspace's call is not found; another bot's is forbidden to a key bound to bots. */
@Injectable()
export class CallsService {
  constructor(private readonly calls: CallRepository, private readonly fleet: FleetPort) {}

  async list(principal: Principal, filter: CallFilter, page: PageRequest): Promise<CallPage> {
    const { data, nextCursor } = await this.calls.list(principal.workspaceId, { ...filter, botIds: allowedBots(principal, filter.botIds) }, page);
    return { data: data.map(callSummary), next_cursor: nextCursor };
  }

  /** @throws ProblemError 404, 403 */
  async require(principal: Principal, sessionId: string): Promise<CallModel> {
    const call = isUuid(sessionId) ? await this.calls.find(principal.workspaceId, sessionId.toLowerCase()) : null;
    if (!call) throw new ProblemError('call_not_found', 'There is no call with this id.');
    if (!mayUseBot(principal, call.botId)) throw new ProblemError('forbidden', 'This key may not see calls of this bot.');
    return call;
  }

  /** Live state while the call runs; the whole result, with `status`, once there is one. */
  async describe(principal: Principal, sessionId: string): Promise<object> {
    const call = await this.require(principal, sessionId);
    const result = await this.calls.result(principal.workspaceId, call.id);
    return result ? { status: 'ended', ...result } : callState(call);
  }

  async transcript(principal: Principal, sessionId: string): Promise<TranscriptView> {
    const call = await this.require(principal, sessionId);
    const result = await this.calls.result(principal.workspaceId, call.id);
    return { session_id: call.id, complete: result !== null, transcript: result?.transcript ?? spokenSoFar(await this.calls.events(call.workspaceId, call.id), call.answeredAt) };
  }

  async hangUp(principal: Principal, sessionId: string): Promise<{ status: 'ok'; session_id: string }> {
    const call = await this.require(principal, sessionId);
    // A worker given up for lost may only have been frozen, and hold the call still.
    const isLost = call.state === 'ended' && call.hangupReason === 'worker_lost';
    if (call.state === 'ended' && !isLost) throw ended();
    const reply = await this.fleet.command(workerOf(call), { command: 'hang_up', sessionId: call.id });
    if (reply.ok) return { status: 'ok', session_id: call.id };
    if (isLost || reply.reason === 'unknown_session') throw ended();
    throw silent();
  }

  /** Begins: how it goes is on the call's timeline. The worker judges the target by the call's own trunk. */
  async transfer(principal: Principal, sessionId: string, target: string): Promise<{ status: 'ok'; session_id: string }> {
    const call = await this.require(principal, sessionId);
    if (call.state === 'ended') throw ended();
    const reply = await this.fleet.command(workerOf(call), { command: 'transfer', sessionId: call.id, target });
    if (reply.ok) return { status: 'ok', session_id: call.id };
    switch (reply.reason) {
      case 'unknown_session': throw ended();
      case 'not_in_conversation': throw new ProblemError('call_not_in_conversation', 'Nobody talks to the bot in this call at the moment, or a transfer is under way.');
      case 'destination_blocked': throw new ProblemError('destination_blocked', 'The trunk of this call may not call this destination.');
      case 'invalid': throw invalidField('target', 'is not a number that the trunk of this call understands');
      default: throw silent();
    }
  }
}

function workerOf({ workerId }: CallModel): string {
  if (workerId === null) throw new ProblemError('unavailable', 'No worker holds this call yet.', { retryAfterSeconds: RETRY_SECONDS });
  return workerId;
}

const silent = (): ProblemError => new ProblemError('unavailable', 'The worker that holds this call did not answer.', { retryAfterSeconds: RETRY_SECONDS });
const ended = (): ProblemError => new ProblemError('call_ended', 'The call has ended already.');

function allowedBots({ botIds }: Principal, wanted: string[] | undefined): string[] | undefined {
  if (botIds === null) return wanted;
  return wanted === undefined ? [...botIds] : wanted.filter((id) => botIds.has(id));
}
