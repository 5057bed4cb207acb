/** Keeps each endpoint under its `per_second`: after a send it rests for as long as that send is worth. */
export class EndpointPace {
  private readonly restUntilMs = new Map<string, number>();

  /** `perSecond` null: no limit. Monotonic time. */
  sent(endpointId: string, perSecond: number | null, nowMs: number): void {
    if (perSecond === null || perSecond <= 0) return;
    this.restUntilMs.set(endpointId, Math.max(nowMs, this.restUntilMs.get(endpointId) ?? nowMs) + 1000 / perSecond);
  }

  resting(nowMs: number): string[] {
    for (const [id, until] of this.restUntilMs) if (until <= nowMs) this.restUntilMs.delete(id);
    return [...this.restUntilMs.keys()];
  }
}
