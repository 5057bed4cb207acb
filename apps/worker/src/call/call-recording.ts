import type { CallLeg } from '@dialfleet/call';
import { errorMessage, type Clock } from '@dialfleet/kit';
import type { RecordingShelf, ShelvedRecording } from './recording-shelf.js';

export interface FinishedRecording extends ShelvedRecording {
  /** Where in the recording the call was answered; null when it was not. Turns are dated from there. */
  answeredAtSeconds: number | null;
}

/**
 * The recording of one call: it begins with the first media from the far end, which may come before the answer (ringback,
 * an announcement), and runs on without a break. A call goes on without it.
 */
export class CallRecording {
  private state: 'none' | 'beginning' | 'going' | 'failed' = 'none';
  private begun: Promise<void> | undefined;
  private beganAtMs = 0;
  private ending = false;

  /** `onFailure` is told once. */
  constructor(private readonly sessionId: string, private readonly shelf: RecordingShelf, private readonly clock: Clock, private readonly onFailure: (detail: string) => void) {}

  /** Begins it where it has not begun yet. Resolves when it runs, or cannot. */
  begin(leg: CallLeg): Promise<void> {
    this.begun ??= this.start(leg);
    return this.begun;
  }

  failed(detail: string): void {
    if (this.state === 'failed') return;
    this.state = 'failed';
    this.onFailure(detail);
  }

  /** The call is ending: a recording that cannot begin any more is none. */
  callEnds(): void { this.ending = true; }

  /** When the leg is closed. */
  async finish(answeredAtMs: number | null): Promise<FinishedRecording> {
    const kept = await this.shelf.finish(this.sessionId, this.state === 'going' || this.state === 'failed', this.state === 'failed');
    // A refusal on the heels of early media: there was nothing to hear yet.
    if (kept.status === 'lost' && answeredAtMs === null && this.state === 'going') return { status: 'none', key: null, durationSeconds: null, answeredAtSeconds: null };
    return { ...kept, answeredAtSeconds: answeredAtMs === null ? null : Math.round(Math.max(0, answeredAtMs - this.beganAtMs)) / 1000 };
  }

  private async start(leg: CallLeg): Promise<void> {
    this.state = 'beginning';
    try {
      await leg.record(await this.shelf.prepare(this.sessionId));
      this.beganAtMs = this.clock.monotonicMs();
      if (this.state === 'beginning') this.state = 'going';
    } catch (error) {
      // Hung up before it could begin: there was nothing to record.
      if (!this.ending) this.failed(errorMessage(error));
    }
  }
}
