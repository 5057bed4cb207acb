export interface PortRange { min: number; max: number }

/**
 * Which RTP ports may be used: even ones whose odd neighbour (RTCP, RFC 3550 §11) lies in the range too. A port that was
 * given back rests for a while, so that packets still under way to the call before do not reach the next one.
 */
export class PortPool {
  private readonly inUse = new Set<number>();
  /** Port → when it may be used again. */
  private readonly resting = new Map<number, number>();
  private cursor: number;

  /**
   * Without a range the operating system picks, and the pool only keeps resting ports out.
   * @throws RangeError when the range holds no pair.
   */
  constructor(private readonly range: PortRange | undefined, private readonly restMs: number, random: () => number = Math.random) {
    if (range && (!isPort(range.min) || !isPort(range.max) || this.pairs() < 1)) {
      throw new RangeError(`RTP port range ${range.min}-${range.max} holds no even port with its odd neighbour`);
    }
    this.cursor = range ? Math.floor(random() * this.pairs()) : 0;
  }

  /** Free ports of the range, the longest unused first; each only once. */
  *candidates(nowMs: number): Generator<number> {
    for (let left = this.pairs(); left > 0; left--) {
      const port = this.firstPort() + 2 * (this.cursor++ % this.pairs());
      if (this.isFree(port, nowMs)) yield port;
    }
  }

  isFree(port: number, nowMs: number): boolean {
    const restsUntil = this.resting.get(port) ?? -Infinity;
    return !this.inUse.has(port) && restsUntil <= nowMs;
  }

  take(port: number): void {
    this.inUse.add(port);
    this.resting.delete(port);
  }

  giveBack(port: number, nowMs: number): void {
    if (!this.inUse.delete(port)) return;
    for (const [other, restsUntil] of this.resting) if (restsUntil <= nowMs) this.resting.delete(other);
    this.resting.set(port, nowMs + this.restMs);
  }

  private firstPort(): number { return this.range ? this.range.min + (this.range.min % 2) : 0; }
  private pairs(): number { return this.range ? Math.floor((this.range.max - this.firstPort() + 1) / 2) : 0; }
}

const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port <= 65_535;
