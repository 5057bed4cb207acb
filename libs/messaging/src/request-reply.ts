import type { Logger } from '@dialfleet/kit';
import type { Msg, NatsConnection } from '@nats-io/transport-node';

/** The other side could not answer; its own log says why. */
export class RequestRefused extends Error {}

type Envelope<Reply> = { reply: Reply } | { error: string };

/**
 * Answers the requests of a subject, JSON both ways; of all in `queue` one answers. Returns the function that stops.
 * What `answer` throws reaches the asker as RequestRefused without its details.
 */
export function answerRequests<Request, Reply>(
  nc: NatsConnection, subject: string, queue: string, answer: (request: Request) => Promise<Reply>, logger: Logger,
): () => void {
  const respond = async (message: Msg): Promise<void> => {
    let envelope: Envelope<Reply>;
    try {
      envelope = { reply: await answer(message.data.length === 0 ? {} as Request : message.json<Request>()) };
    } catch (error) {
      logger.error('a request could not be answered', { subject, error });
      envelope = { error: 'failed' };
    }
    if (!nc.isClosed()) message.respond(JSON.stringify(envelope));
  };
  const subscription = nc.subscribe(subject, { queue, callback: (error, message) => {
    if (error) logger.warn('subscription failed', { subject, error }); else void respond(message);
  } });
  return () => { subscription.unsubscribe(); };
}

/** Rejects when nobody listens, nobody answers within `timeoutMs`, or with RequestRefused. */
export async function request<Reply>(nc: NatsConnection, subject: string, question: object, timeoutMs: number): Promise<Reply> {
  const message = await nc.request(subject, JSON.stringify(question), { timeout: timeoutMs });
  const envelope = message.json<Envelope<Reply>>();
  if ('error' in envelope) throw new RequestRefused(`${subject}: ${envelope.error}`);
  return envelope.reply;
}
