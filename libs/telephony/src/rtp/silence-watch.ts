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

  /** The far end lives, though its stream is silent. Counts only once there has been a stream: else nothing would come of one that never arrives. */
  signOfLife(nowMs: number): void {
    if (this.lastPacketMs === null) return;
    this.lastPacketMs = nowMs;
    this.reported = false;
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
