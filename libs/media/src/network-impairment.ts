import { seededRandom } from '@dialfleet/kit';

/** What a bad network does to packets, as shares of all; `seed` makes it repeatable. */
export interface ImpairmentOptions {
  lossRatio?: number;
  /** Held back by `reorderMs`, so that later packets overtake them. */
  reorderRatio?: number;
  reorderMs?: number;
  duplicateRatio?: number;
  /** Each packet is delayed by up to so much more, evenly spread. */
  jitterMs?: number;
  seed: number;
}

/** Decides the fate of packet after packet. Holds no packet and no timer. */
export class NetworkImpairment {
  private readonly random: () => number;

  constructor(private readonly options: ImpairmentOptions) { this.random = seededRandom(options.seed); }

  /** After how many ms each copy of the next packet arrives; none: it is lost. */
  fate(): number[] {
    const { lossRatio = 0, reorderRatio = 0, reorderMs = 50, duplicateRatio = 0, jitterMs = 0 } = this.options;
    // Always as many draws, so that changing one ratio leaves the other decisions as they were.
    const [lost, held, doubled, delay] = [this.random() < lossRatio, this.random() < reorderRatio, this.random() < duplicateRatio, this.random() * jitterMs];
    if (lost) return [];
    const arrivesMs = delay + (held ? reorderMs : 0);
    return doubled ? [arrivesMs, arrivesMs + reorderMs] : [arrivesMs];
  }
}
