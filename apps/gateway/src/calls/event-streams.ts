import type { TimelineEventView } from '@dialfleet/contracts';
import { CallRepository } from '@dialfleet/database';
import type { Clock, Logger } from '@dialfleet/kit';
import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { ServerResponse } from 'node:http';
import { CLOCK, LOGGER } from '../tokens.js';
import { CallEventFeed } from './call-event-feed.js';
import { eventView } from './call-views.js';
import { InSequence } from './in-sequence.js';

/** The stored timeline is read again this often: it heals gaps of the live feed and keeps proxies from closing the line. */
const REREAD_EVERY_MS = 5000;
/** What is missing (an earlier event; the stored result, once the call has ended) is looked for this often, and so many times. */
const LOOK_AGAIN_MS = 200;
const LOOKS = 10;

interface Subject { workspaceId: string; sessionId: string }

/**
 * The timeline as server-sent events (WHATWG HTML §9.2): what happened so far, then what happens, until the call has ended.
 * Who has seen `call.ended` finds the result.
 */
@Injectable()
export class EventStreams implements BeforeApplicationShutdown {
  private readonly open = new Set<EventStream>();

  constructor(
    private readonly calls: CallRepository, private readonly feed: CallEventFeed,
    @Inject(CLOCK) private readonly clock: Clock, @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Takes over the reply. `afterSeq`: the Last-Event-ID of a client that comes back. */
  start(reply: FastifyReply, subject: Subject, afterSeq: number): void {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no', 'x-request-id': reply.request.id });
    const stream = new EventStream(reply.raw, subject, afterSeq, this.calls, this.feed, this.clock, this.logger);
    this.open.add(stream);
    reply.raw.once('close', () => { stream.close(); this.open.delete(stream); });
    stream.start();
  }

  beforeApplicationShutdown(): void { for (const stream of this.open) stream.close(); }
}

class EventStream {
  private readonly sequence: InSequence<TimelineEventView>;
  private readonly unfollow: () => void;
  private cancelReread: () => void = () => undefined;
  private looks = 0;
  private last: TimelineEventView | undefined;
  private closed = false;

  constructor(
    private readonly raw: ServerResponse, private readonly subject: Subject, private readonly afterSeq: number, private readonly calls: CallRepository,
    feed: CallEventFeed, private readonly clock: Clock, private readonly logger: Logger,
  ) {
    this.sequence = new InSequence(afterSeq);
    this.unfollow = feed.follow(subject.sessionId, (event) => { this.heard(event); });
  }

  start(): void { void this.reread(); }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.unfollow();
    this.cancelReread();
    this.raw.end();
  }

  private heard(event: TimelineEventView): void {
    this.take(event);
    if (!this.isMissing || this.looks > 0) return;
    // Counted at once: whatever else is heard must not put the look off.
    this.looks = 1;
    this.rereadIn(LOOK_AGAIN_MS);
  }

  /** The last event waits for the result. */
  private take(event: TimelineEventView): void {
    if (event.type === 'call.ended') this.last = event; else this.send(this.sequence.take(event));
  }

  private get isMissing(): boolean { return this.last !== undefined || this.sequence.isWaiting; }

  private async reread(): Promise<void> {
    if (this.closed) return;
    try {
      const { workspaceId, sessionId } = this.subject;
      const [events, call] = await Promise.all([this.calls.events(workspaceId, sessionId, this.afterSeq), this.calls.find(workspaceId, sessionId)]);
      const ended = call?.state === 'ended';
      for (const row of events) this.take(eventView(row));
      this.looks = this.isMissing ? this.looks + 1 : 0;
      if (ended || this.looks > LOOKS) this.sendRest();
      if (ended) { this.close(); return; }
    } catch (error) { this.logger.warn('timeline not read', { session_id: this.subject.sessionId, error }); }
    if (this.closed) return;
    if (this.looks === 0) this.raw.write(': still here\n\n');
    this.rereadIn(this.looks === 0 ? REREAD_EVERY_MS : LOOK_AGAIN_MS);
  }

  /** Whatever is missing still. */
  private sendRest(): void {
    this.looks = 0;
    if (this.last) this.send(this.sequence.take(this.last));
    this.send(this.sequence.takeRest());
  }

  private rereadIn(delayMs: number): void {
    this.cancelReread();
    this.cancelReread = this.clock.after(delayMs, () => { void this.reread(); });
  }

  private send(events: TimelineEventView[]): void {
    for (const event of events) {
      if (this.closed) return;
      this.raw.write(`id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      if (event.type === 'call.ended') this.close();
    }
  }
}
