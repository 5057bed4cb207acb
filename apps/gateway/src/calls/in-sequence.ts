/**
 * Puts events back in the order of their numbers: what comes too early waits for what is missing. Numbers begin at 1, or
 * after `last`.
 */
export class InSequence<Event extends { seq: number }> {
  private readonly early = new Map<number, Event>();
  private last: number;

  constructor(last: number) { this.last = Math.max(last, 0); }

  get isWaiting(): boolean { return this.early.size > 0; }

  /** What may go out now, in order; nothing twice. */
  take(event: Event): Event[] {
    if (event.seq > this.last) this.early.set(event.seq, event);
    const ready: Event[] = [];
    for (let next = this.early.get(this.last + 1); next; next = this.early.get(this.last + 1)) ready.push(this.pass(next));
    return ready;
  }

  /** Gives up on what is missing. */
  takeRest(): Event[] { return [...this.early.values()].sort((a, b) => a.seq - b.seq).map((event) => this.pass(event)); }

  private pass(event: Event): Event {
    this.early.delete(event.seq);
    this.last = event.seq;
    return event;
  }
}
