import type { Clock } from '@dialfleet/kit';

/** A steady rate, and how much may come at once after quiet. */
export interface Rate { perSecond: number; burst: number }

interface Bucket { tokens: number; atMs: number }

/**
 * A token bucket for each source, in bounded memory: of more than `maxSources` the one unheard for longest is forgotten, and
 * would begin again with a full bucket. Forging that many sources costs an attacker more than it wins.
 */
export class SourceLimiter {
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly clock: Clock, private readonly maxSources: number) {}

  get size(): number { return this.buckets.size; }

  /** Takes one token of this source's; false when it has none left. */
  take(source: string, { perSecond, burst }: Rate): boolean {
    const now = this.clock.monotonicMs();
    const bucket = this.buckets.get(source) ?? { tokens: burst, atMs: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = now;
    // Map keeps the order of insertion: the least recently heard source is the first.
    this.buckets.delete(source);
    this.buckets.set(source, bucket);
    if (this.buckets.size > this.maxSources) this.buckets.delete(this.buckets.keys().next().value as string);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}
