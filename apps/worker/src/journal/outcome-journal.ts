import type { CallOutcome } from '@dialfleet/call';
import { backoffMs, sleep, within, type Clock, type Logger } from '@dialfleet/kit';
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Where outcomes go: resolves once the broker has stored it. */
export type PublishOutcome = (outcome: CallOutcome) => Promise<void>;

/**
 * Outcomes on disk until the broker has them. Written and synced before a slot is freed; published with the same
 * message id as often as it takes; deleted on acknowledgement. What a crash left behind is published at the next start,
 * by this worker or by another on the same volume.
 */
export class OutcomeJournal {
  private readonly pending = new Set<Promise<void>>();
  private closing = false;

  constructor(private readonly folder: string, private readonly publish: PublishOutcome, private readonly clock: Clock, private readonly logger: Logger) {}

  /** Publishes what earlier processes left. @throws when the folder cannot be made. */
  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    for (const name of (await readdir(this.folder)).filter((file) => file.endsWith('.json'))) {
      const outcome = await this.read(name);
      if (outcome) { this.logger.info('publishing an outcome left by an earlier run', { session_id: outcome.sessionId }); this.deliver(outcome); }
    }
  }

  /** Resolves when the outcome is safe on disk; it is published behind, once `after` has resolved. */
  async keep(outcome: CallOutcome, after: Promise<void> = Promise.resolve()): Promise<void> {
    const file = this.fileOf(outcome);
    try {
      const handle = await open(`${file}.tmp`, 'w', 0o600);
      try { await handle.writeFile(JSON.stringify(outcome)); await handle.sync(); } finally { await handle.close(); }
      await rename(`${file}.tmp`, file);
    } catch (error) {
      // A full disk must not cost the result: it is still published from memory.
      this.logger.error('cannot journal an outcome', { session_id: outcome.sessionId, error });
    }
    this.deliver(outcome, after);
  }

  /** Waits for what is still unpublished, at most `timeoutMs`; the rest stays on disk. */
  async close(timeoutMs: number): Promise<void> {
    await within(this.clock, timeoutMs, this.settled());
    this.closing = true;
  }

  private async settled(): Promise<void> { while (this.pending.size > 0) await Promise.all(this.pending); }

  private deliver(outcome: CallOutcome, after: Promise<void> = Promise.resolve()): void {
    const work = after.then(() => this.publishUntilStored(outcome)).finally(() => { this.pending.delete(work); });
    this.pending.add(work);
  }

  private async publishUntilStored(outcome: CallOutcome): Promise<void> {
    for (let attempt = 0; !this.closing; attempt++) {
      try {
        await this.publish(outcome);
        await unlink(this.fileOf(outcome)).catch(() => undefined);
        return;
      } catch (error) {
        if (attempt === 0) this.logger.warn('the broker did not take an outcome; it stays in the journal', { session_id: outcome.sessionId, error });
        await sleep(this.clock, 250 + backoffMs(attempt, 500, 10_000));
      }
    }
  }

  private async read(name: string): Promise<CallOutcome | undefined> {
    try {
      return JSON.parse(await readFile(join(this.folder, name), 'utf8')) as CallOutcome;
    } catch (error) {
      this.logger.error('unreadable journal entry left in place', { file: name, error });
      return undefined;
    }
  }

  private fileOf(outcome: CallOutcome): string { return join(this.folder, `${outcome.sessionId}.json`); }
}
