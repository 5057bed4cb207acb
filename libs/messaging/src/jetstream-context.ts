import type { JsMsg } from '@nats-io/jetstream';
import { BaseRpcContext } from '@nestjs/microservices';

/** Second argument of a handler (`@Ctx()`): the message's envelope. Acknowledging is the strategy's business. */
export class JetStreamContext extends BaseRpcContext<[JsMsg]> {
  constructor(message: JsMsg) { super([message]); }

  get subject(): string { return this.args[0].subject; }
  /** Position in the stream: orders messages, and names one for good. */
  get streamSequence(): number { return this.args[0].seq; }
  /** When the stream stored it. */
  get storedAt(): Date { return this.args[0].time; }
  get redelivered(): boolean { return this.args[0].redelivered; }
}
