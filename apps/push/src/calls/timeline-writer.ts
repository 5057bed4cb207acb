import type { CallTimelineEvent } from '@dialfleet/call';

export type StoreEvents = (events: CallTimelineEvent[]) => Promise<void>;

interface Waiting { event: CallTimelineEvent; resolve: () => void; reject: (error: unknown) => void }

const MAX_BATCH = 200;

/**
 * Group commit: while one batch is being written the events that arrive form the next, so that the database sees few
 * statements however many calls are talking. Each caller waits for its own event to be safe.
 */
export class TimelineWriter {
  private waiting: Waiting[] = [];
  private writing = false;

  /** `isSharedFault`: the whole batch would fail again (database away), as opposed to one bad event in it. */
  constructor(private readonly store: StoreEvents, private readonly isSharedFault: (error: unknown) => boolean) {}

  add(event: CallTimelineEvent): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ event, resolve, reject });
      if (!this.writing) void this.writeAll();
    });
  }

  private async writeAll(): Promise<void> {
    this.writing = true;
    while (this.waiting.length > 0) await this.write(this.waiting.splice(0, MAX_BATCH));
    this.writing = false;
  }

  /** One bad event must not keep the others out: a failed batch is written one by one. */
  private async write(batch: Waiting[]): Promise<void> {
    try {
      await this.store(batch.map(({ event }) => event));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (batch.length === 1 || this.isSharedFault(error)) for (const { reject } of batch) reject(error);
      else for (const one of batch) await this.write([one]);
    }
  }
}
