import type { InboundDecision, InboundRequest, TrunkDirectoryReply, TrunkDirectoryRequest } from '@dialfleet/fleet';
import type { Logger } from '@dialfleet/kit';
import { answerRequests, GATEWAY_QUEUE, subjects } from '@dialfleet/messaging';
import type { NatsConnection } from '@nats-io/transport-node';
import type { InboundCalls } from './inbound-calls.service.js';
import type { TrunkDirectoryService } from './trunk-directory.service.js';

export interface FleetAnswers { trunks: Pick<TrunkDirectoryService, 'page'>; calls: Pick<InboundCalls, 'decide'> }

/** What workers ask of gateways; one gateway answers each question. Returns the function that stops. */
export function answerFleet(nc: NatsConnection, answers: FleetAnswers, logger: Logger): () => void {
  const stop = [
    answerRequests<TrunkDirectoryRequest, TrunkDirectoryReply>(nc, subjects.trunks, GATEWAY_QUEUE, (question) => answers.trunks.page(question), logger),
    answerRequests<InboundRequest, InboundDecision>(nc, subjects.inbound, GATEWAY_QUEUE, (question) => answers.calls.decide(question), logger),
  ];
  return () => { for (const end of stop) end(); };
}
