import { backoffMs, errorMessage, Fault, sleep, type Clock, type Logger } from '@dialfleet/kit';
import { jetstream, jetstreamManager, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { JetStreamContext } from './jetstream-context.js';
import { JetStreamLanes } from './jetstream-lanes.js';
import { ensureDurable } from './jetstream-streams.js';

/** A message that no handler could take: worth a record, and a person's look. */
export interface DeadMessage { stream: string; streamSequence: number; subject: string; payload: string; error: string; attempts: number; storedAt: Date }

export interface JetStreamStrategyOptions {
  nc: NatsConnection;
  stream: string;
  /** Name of the durable consumer: replicas that share it share the work. */
  durable: string;
  clock: Clock;
  logger: Logger;
  /** Keeps a message that failed for good, before it is given up; when it throws, the message is tried again. */
  bury(message: DeadMessage): Promise<void>;
  /** Faults of the surroundings (database away): the message is tried for as long as they last. Default: retryable Faults. */
  isTransient?(error: unknown): boolean;
  /** Creates the stream where it is missing. Runs before each (re)start of consumption. */
  prepare?(): Promise<void>;
  /** Messages of one key are handled in order. Default: the last token of the subject. */
  keyOf?(subject: string): string;
  /** Handlers at the same time. */
  concurrency?: number;
  /** Tries of a message that fails by itself. */
  maxAttempts?: number;
  ackWaitMs?: number;
  /** Taken from the stream and not yet acknowledged. */
  maxAckPending?: number;
}

const DEFAULTS = { concurrency: 16, maxAttempts: 5, ackWaitMs: 30_000, maxAckPending: 512 };
const RETRY_BASE_MS = 200;
const RETRY_CAP_MS = 10_000;
const START_TIMEOUT_MS = 15_000;

/**
 * Nest transport over a durable JetStream pull consumer: handlers are ordinary `@EventPattern('call.event.*')` methods.
 *
 * - A message is acknowledged only after its handler resolved: at least once, so handlers must be idempotent.
 * - Messages of one key (session) are handled in order, of different keys side by side. A failed message is tried again
 *   here, with back-off, while those behind it wait: handing it back to the server would let them overtake. Only what
 *   another process takes over after a stop or a crash may come in another order.
 * - While a message is held, waiting or in work, its acknowledgement deadline is moved on (`working`).
 * - Unreadable messages and those that fail `maxAttempts` times are buried: recorded, logged, terminated.
 * - A lost connection, stream or consumer is waited for and consumption starts again.
 */
export class JetStreamStrategy extends Server implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true;
  private readonly options: JetStreamStrategyOptions & typeof DEFAULTS;
  private readonly lanes: JetStreamLanes;
  /** By stream sequence: taken and not yet settled. */
  private readonly held = new Map<number, JsMsg>();
  private messages: ConsumerMessages | undefined;
  private closing = false;
  private stopBeating: () => void = () => undefined;

  constructor(options: JetStreamStrategyOptions) {
    super();
    this.options = { ...DEFAULTS, ...options };
    this.lanes = new JetStreamLanes(this.options.concurrency);
    this.initializeSerializer({});
    this.initializeDeserializer({});
  }

  /** Calls back once messages are being consumed, or with the reason why they cannot be. */
  listen(callback: (error?: unknown) => void): void {
    this.start().then(() => { this.beat(); void this.consumeForEver(); callback(); }, callback);
  }

  /** Takes nothing more, hands back what has not begun, waits for what has. The connection is its owner's to close. */
  async close(): Promise<void> {
    this.closing = true;
    await this.messages?.close().catch(() => undefined);
    await this.lanes.idle();
    this.stopBeating();
    await this.options.nc.flush().catch(() => undefined);
  }

  override unwrap<T>(): T { return this.options.nc as T; }
  override on(): never { throw new Error('not supported: watch the status of the NATS connection'); }

  /** The server may still be starting: tries for a while before it gives up. */
  private async start(): Promise<void> {
    const { clock, stream } = this.options;
    const deadline = clock.monotonicMs() + START_TIMEOUT_MS;
    for (let attempt = 0; ; attempt++) {
      try { return await this.openConsumer(); } catch (error) {
        if (clock.monotonicMs() > deadline || this.closing) throw new Error(`cannot consume the JetStream stream ${stream}: ${errorMessage(error)}`, { cause: error });
        await sleep(clock, backoffMs(attempt, RETRY_BASE_MS, 2000));
      }
    }
  }

  private async openConsumer(): Promise<void> {
    const { nc, stream, durable, ackWaitMs, maxAckPending, prepare } = this.options;
    await prepare?.();
    await ensureDurable(await jetstreamManager(nc), { stream, durable, ackWaitMs, maxAckPending });
    const consumer = await jetstream(nc).consumers.get(stream, durable);
    this.messages = await consumer.consume({ max_messages: Math.min(100, maxAckPending), abort_on_missing_resource: true });
  }

  private async consumeForEver(): Promise<void> {
    const { clock, logger, stream, nc } = this.options;
    for (let attempt = 0; !this.closing && !nc.isClosed(); attempt++) {
      try {
        if (attempt > 0) await this.openConsumer();
        for await (const message of this.messages as ConsumerMessages) { attempt = 0; this.take(message); }
      } catch (error) {
        if (!this.closing) logger.warn('consumption of the stream was interrupted', { stream, error: errorMessage(error) });
      }
      if (!this.closing) await sleep(clock, backoffMs(attempt, RETRY_BASE_MS, RETRY_CAP_MS));
    }
  }

  private take(message: JsMsg): void {
    // Delivered again while it is still in work here (the server's patience ran out during a lost connection).
    if (this.held.has(message.seq)) return;
    this.held.set(message.seq, message);
    const key = this.options.keyOf?.(message.subject) ?? message.subject.slice(message.subject.lastIndexOf('.') + 1);
    this.lanes.add(key, () => this.settle(message).finally(() => { this.held.delete(message.seq); }));
  }

  /** Handles the message until it is done, buried, or the service stops. Never rejects. */
  private async settle(message: JsMsg): Promise<void> {
    const { clock, logger, maxAttempts } = this.options;
    for (let attempt = message.info.deliveryCount; ; attempt++) {
      if (this.closing) { this.answer(message, () => { message.nak(); }); return; }
      try {
        await this.dispatch(message);
        this.answer(message, () => { message.ack(); });
        return;
      } catch (error) {
        const hopeless = error instanceof UnreadableMessage || (attempt >= maxAttempts && !this.isTransient(error));
        if (hopeless && await this.isBuried(message, error, attempt)) return;
        logger.warn('message failed and is tried again', { subject: message.subject, stream_sequence: message.seq, attempt, error });
      }
      await sleep(clock, backoffMs(attempt, RETRY_BASE_MS, RETRY_CAP_MS));
    }
  }

  private async dispatch(message: JsMsg): Promise<void> {
    const handler = this.handlerFor(message.subject);
    if (!handler) { this.options.logger.warn('no handler for a message', { subject: message.subject }); return; }
    const result: unknown = await handler(readJson(message), new JetStreamContext(message));
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  }

  private handlerFor(subject: string): MessageHandler | undefined {
    for (const [pattern, handler] of this.messageHandlers) if (subjectMatches(pattern, subject)) return handler;
    return undefined;
  }

  private isTransient(error: unknown): boolean {
    return this.options.isTransient?.(error) ?? (error instanceof Fault && error.retryable);
  }

  private async isBuried(message: JsMsg, error: unknown, attempts: number): Promise<boolean> {
    const { logger, stream, bury } = this.options;
    try {
      const payload = new TextDecoder().decode(message.data);
      await bury({ stream, streamSequence: message.seq, subject: message.subject, payload, error: errorMessage(error), attempts, storedAt: message.time });
    } catch (cause) {
      logger.error('a failed message could not be recorded', { subject: message.subject, stream_sequence: message.seq, error: cause });
      return false;
    }
    logger.error('message given up', { subject: message.subject, stream_sequence: message.seq, attempts, error });
    this.answer(message, () => { message.term(); });
    return true;
  }

  /** An answer that does not get through costs a redelivery, nothing else. */
  private answer(message: JsMsg, send: () => void): void {
    try { send(); } catch (error) { this.options.logger.warn('acknowledgement not sent', { subject: message.subject, error: errorMessage(error) }); }
  }

  private beat(): void {
    const { clock, ackWaitMs } = this.options;
    this.stopBeating = clock.after(ackWaitMs / 3, () => {
      for (const message of this.held.values()) this.answer(message, () => { message.working(); });
      this.beat();
    });
  }
}

class UnreadableMessage extends Error {}

function readJson(message: JsMsg): unknown {
  try { return message.json(); } catch (cause) { throw new UnreadableMessage('the payload is not JSON', { cause }); }
}

/** NATS subject wildcards: `*` is one token, a final `>` one or more. */
export function subjectMatches(pattern: string, subject: string): boolean {
  const [wanted, tokens] = [pattern.split('.'), subject.split('.')];
  if (wanted.at(-1) === '>') return tokens.length >= wanted.length && wanted.slice(0, -1).every((w, i) => w === '*' || w === tokens[i]);
  return wanted.length === tokens.length && wanted.every((w, i) => w === '*' || w === tokens[i]);
}
