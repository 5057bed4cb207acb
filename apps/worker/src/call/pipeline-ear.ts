import { PIPELINE_SAMPLE_RATE_HZ } from '@dialfleet/call';
import type { Pcm, SttEvent, SttStream, SttVendor, VadStream, VadVendor } from '@dialfleet/conversation';
import { errorMessage, sleep, type Clock } from '@dialfleet/kit';

/** Audio before the VAD noticed that someone speaks. */
const PRE_ROLL_MS = 320;
const MAX_REOPENINGS = 2;
const MAX_HELD_BACK_MS = 3000;

export interface EarEvents {
  /** One VAD window, with the moment its last sample came in. */
  window(probability: number, windowMs: number, atMs: number): void;
  heard(event: SttEvent): void;
  /** The recogniser failed and was opened again (`fatal` false), or is given up. */
  failed(message: string, fatal: boolean): void;
}

/**
 * Customer audio → VAD windows and recognised words. Only speech reaches the recogniser, from a little before it begins: a
 * turn costs what it lasts.
 */
export class CustomerEar {
  private voice: VadStream | undefined;
  private stream: SttStream | undefined;
  private hints: readonly string[] = [];
  private preRoll: Pcm[] = [];
  private inSpeech = false;
  /** The leg's zero on our clock. */
  private originMs = Infinity;
  private samples = 0;
  private windowsBegun = 0;
  private readonly windowEnds: number[] = [];
  private reopenings = 0;
  private awaited = 0;
  private closed = false;
  private readonly aborted = new AbortController();
  private speechSamples = 0;

  constructor(
    private readonly stt: SttVendor, private readonly vad: VadVendor, private readonly language: string,
    private readonly clock: Clock, private readonly events: EarEvents,
  ) {}

  open(): void {
    this.voice = this.vad.open({ sampleRateHz: PIPELINE_SAMPLE_RATE_HZ, onWindow: (probability) => { this.onWindow(probability); } });
    this.openRecogniser();
  }

  /** What the recogniser was given. */
  get speechSeconds(): number { return this.speechSamples / PIPELINE_SAMPLE_RATE_HZ; }

  /** `offsetMs`: when the frame was heard, on the leg's own clock. */
  push(frame: Pcm, offsetMs: number): void {
    if (this.closed) return;
    const heardMs = this.momentOf(offsetMs);
    this.samples += frame.length;
    const windowSamples = (this.vad.windowMs * PIPELINE_SAMPLE_RATE_HZ) / 1000;
    for (; (this.windowsBegun + 1) * windowSamples <= this.samples; this.windowsBegun++) this.windowEnds.push(heardMs);
    if (this.inSpeech) this.pushSpeech(frame);
    else {
      this.preRoll.push(frame);
      if (this.preRoll.length * frame.length > (PRE_ROLL_MS * PIPELINE_SAMPLE_RATE_HZ) / 1000) this.preRoll.shift();
    }
    this.voice?.push(frame);
  }

  speechStarted(): void {
    this.inSpeech = true;
    for (const frame of this.preRoll.splice(0)) this.pushSpeech(frame);
  }

  endOfTurn(): void {
    this.inSpeech = false;
    this.awaited++;
    this.stream?.endOfTurn();
  }

  discard(): void {
    this.inSpeech = false;
    this.stream?.discard();
  }

  expect(hints: readonly string[]): void {
    this.hints = hints;
    this.stream?.setHints(hints);
  }

  /** Waits for the words of what was said so far, at most `limitMs`, then closes. */
  async finish(limitMs: number): Promise<void> {
    if (this.inSpeech) this.endOfTurn();
    for (const deadlineMs = this.clock.monotonicMs() + limitMs; this.awaited > 0 && this.stream && this.clock.monotonicMs() < deadlineMs;) await sleep(this.clock, 20);
    this.closed = true;
    this.voice?.close();
    this.aborted.abort();
    const closing = this.stream?.close() ?? Promise.resolve();
    this.stream = undefined;
    await Promise.race([closing.catch(() => undefined), sleep(this.clock, limitMs)]);
  }

  /** Frames that come in a bunch keep their own time; a leg whose clock jumps has the time of arrival. */
  private momentOf(offsetMs: number): number {
    const nowMs = this.clock.monotonicMs();
    this.originMs = Math.min(this.originMs, nowMs - offsetMs);
    const moment = this.originMs + offsetMs;
    return nowMs - moment <= MAX_HELD_BACK_MS ? moment : nowMs;
  }

  private pushSpeech(frame: Pcm): void {
    this.speechSamples += frame.length;
    this.stream?.push(frame);
  }

  private onWindow(probability: number): void {
    if (this.closed) return;
    this.events.window(probability, this.vad.windowMs, this.windowEnds.shift() ?? this.clock.monotonicMs());
  }

  private openRecogniser(): void {
    try {
      this.stream = this.stt.open({ sampleRateHz: PIPELINE_SAMPLE_RATE_HZ, language: this.language, hints: this.hints, signal: this.aborted.signal });
      void this.listen(this.stream);
    } catch (error) { this.onFailure(error); }
  }

  private async listen(stream: SttStream): Promise<void> {
    try {
      for await (const event of stream) {
        if (event.type === 'final') this.awaited = Math.max(0, this.awaited - 1);
        this.events.heard(event);
      }
    } catch (error) { if (!this.closed) this.onFailure(error); }
  }

  /** What was being recognised is lost; the turn-taking machine waits for it only so long. */
  private onFailure(error: unknown): void {
    this.stream = undefined;
    const fatal = this.reopenings++ >= MAX_REOPENINGS || this.closed;
    for (; this.awaited > 0; this.awaited--) this.events.heard({ type: 'final', text: '', confidence: null, tookMs: 0 });
    if (!fatal) this.clock.after(0, () => { if (!this.closed) this.openRecogniser(); });
    this.events.failed(errorMessage(error), fatal);
  }
}
