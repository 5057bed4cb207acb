import type { TrunkDirectoryReply, TrunkDirectoryRequest, TrunkEntry } from '@dialfleet/fleet';
import { Emitter, errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import { request, subjects } from '@dialfleet/messaging';
import type { NatsConnection } from '@nats-io/transport-node';

const REFRESH_MS = 30_000;
const RETRY_MS = 1_000;
const ASK_TIMEOUT_MS = 3_000;
/** No fleet has more pages: one that goes on and on is a fault. */
const MAX_PAGES = 1_000;

/** Asks for every trunk of the fleet. Rejects when the gateways cannot be reached. */
export type AskForTrunks = () => Promise<TrunkEntry[]>;

/**
 * Every trunk that this fleet knows, as the gateways have it in their database: asked for at start, whenever one changes,
 * and every 30 s. While no gateway answers, what was known last stays true.
 */
export class TrunkDirectory {
  readonly events = new Emitter<{ changed: readonly TrunkEntry[] }>();
  private known: readonly TrunkEntry[] = [];
  private asJson = '[]';
  private asked = false;
  private asking: Promise<void> | undefined;
  private again = false;
  private stopped = false;
  private cancel: () => void = () => undefined;

  constructor(private readonly ask: AskForTrunks, private readonly clock: Clock, private readonly logger: Logger) {}

  get entries(): readonly TrunkEntry[] { return this.known; }
  /** Whether any gateway has answered yet. */
  get isKnown(): boolean { return this.asked; }

  find(trunkId: string): TrunkEntry | undefined { return this.known.find((entry) => entry.trunk.trunkId === trunkId); }

  start(): void { void this.refresh(); }

  /** Asks now; while a question is under way, once more after it. Never rejects. */
  refresh(): Promise<void> {
    if (this.asking) { this.again = true; return this.asking; }
    this.asking = this.askUntilCurrent().finally(() => { this.asking = undefined; });
    return this.asking;
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  private async askUntilCurrent(): Promise<void> {
    this.cancel();
    let isAnswered = false;
    do {
      this.again = false;
      isAnswered = await this.askOnce();
    } while (this.again && !this.stopped);
    if (this.stopped) return;
    this.cancel = this.clock.after(isAnswered || this.asked ? REFRESH_MS : RETRY_MS, () => { void this.refresh(); });
  }

  private async askOnce(): Promise<boolean> {
    try {
      const entries = await this.ask();
      if (this.stopped) return true;
      this.learn(entries);
      return true;
    } catch (error) {
      this.logger.warn('the trunks could not be asked for; those known stay', { trunks: this.known.length, error: errorMessage(error) });
      return false;
    }
  }

  private learn(entries: TrunkEntry[]): void {
    this.asked = true;
    const asJson = JSON.stringify(entries);
    if (asJson === this.asJson) return;
    this.asJson = asJson;
    this.known = entries;
    this.logger.info('trunks known', { trunks: entries.length });
    this.events.emit('changed', entries);
  }
}

/** All pages of `fleet.trunks`. */
export const askGateways = (nc: NatsConnection): AskForTrunks => async () => {
  const entries: TrunkEntry[] = [];
  let question: TrunkDirectoryRequest = {};
  for (let page = 0; page < MAX_PAGES; page++) {
    const { trunks, next }: TrunkDirectoryReply = await request<TrunkDirectoryReply>(nc, subjects.trunks, question, ASK_TIMEOUT_MS);
    entries.push(...trunks);
    if (next === undefined) return entries;
    question = { after: next };
  }
  throw new Error('the list of trunks has no end');
};

/** Refreshes the directory whenever a gateway says that a trunk changed. Returns the function that stops listening. */
export function followTrunkChanges(nc: NatsConnection, directory: TrunkDirectory): () => void {
  const subscription = nc.subscribe(subjects.trunksChanged, { callback: () => { void directory.refresh(); } });
  return () => { subscription.unsubscribe(); };
}
