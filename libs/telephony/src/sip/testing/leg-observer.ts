import type { CallLeg, LegEvents } from '@dialfleet/call';

export type Seen = { [K in keyof LegEvents]: { type: K } & LegEvents[K] }[keyof LegEvents];
const signalling = ['provisional', 'answered', 'failed', 'hungUp', 'fault', 'released', 'dtmf'] as const;

/** Everything a leg reported, and a wait for the next report of a kind. */
export class LegObserver {
  readonly seen: Seen[] = [];
  private waiting: (() => void)[] = [];

  constructor(readonly leg: CallLeg) {
    for (const type of signalling) {
      leg.events.on(type, (payload: object) => {
        this.seen.push({ type, ...payload } as Seen);
        for (const wake of this.waiting.splice(0)) wake();
      });
    }
  }

  get types(): string[] { return this.seen.map((event) => event.type); }

  async until<K extends Seen['type']>(type: K): Promise<Extract<Seen, { type: K }>> {
    for (;;) {
      const found = this.seen.find((event) => event.type === type);
      if (found) return found as Extract<Seen, { type: K }>;
      await new Promise<void>((resolve) => { this.waiting.push(resolve); });
    }
  }
}

/** Lets sockets deliver until `holds`; a condition that never holds ends in the test's time-out. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => { setImmediate(resolve); });
}
