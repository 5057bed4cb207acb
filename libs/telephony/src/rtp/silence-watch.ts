export interface SilenceLimits { firstPacketTimeoutMs: number; mediaTimeoutMs: number }

/** Notices when nothing arrives though it should: once a silence. Pure; times are monotonic. */
export class SilenceWatch {
  private expectedSinceMs: number | null = null;
  private lastPacketMs: number | null = null;
  private reported = false;

  constructor(private readonly limits: SilenceLimits) {}

  expect(expected: boolean, nowMs: number): void {
    if (expected === (this.expectedSinceMs !== null)) return;
    this.expectedSinceMs = expected ? nowMs : null;
    this.reported = false;
  }

  /** `true` for the first packet ever. */
  packetCame(nowMs: number): boolean {
    const isFirst = this.lastPacketMs === null;
    this.lastPacketMs = nowMs;
    this.reported = false;
    return isFirst;
  }

  /** How long it has been silent, when that has just become too long; else `null`. */
  check(nowMs: number): number | null {
    if (this.expectedSinceMs === null || this.reported) return null;
    const { firstPacketTimeoutMs, mediaTimeoutMs } = this.limits;
    const silentMs = nowMs - Math.max(this.expectedSinceMs, this.lastPacketMs ?? 0);
    if (silentMs < (this.lastPacketMs === null ? firstPacketTimeoutMs : mediaTimeoutMs)) return null;
    this.reported = true;
    return silentMs;
  }
}
