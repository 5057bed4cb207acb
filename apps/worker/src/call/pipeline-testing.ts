import { botDefaults, type BotSettings } from '@dialfleet/bot';
import { FRAME_MS, FRAME_SAMPLES, type AudioOut, type CallEvent, type CallLeg, type LegEvents, type LegMediaStats, type TimelineEventType } from '@dialfleet/call';
import type { ChatMessage, LlmConversation, LlmDelta, SttEvent, SttVendor, TtsVendor, VadVendor } from '@dialfleet/conversation';
import { AsyncQueue, Emitter, silentLogger, sleep, type Clock, type VirtualClock } from '@dialfleet/kit';
import { ConversationPipeline } from './pipeline.js';
import type { ConversationSummary, PipelineSetup } from './pipeline-setup.js';

/** Test doubles of everything around the pipeline, on a virtual clock. */

/** Plays out in real time of the clock; counts what was sent. */
export class FakeLeg implements CallLeg {
  readonly events = new Emitter<LegEvents>();
  readonly sent: Record<string, number> = {};
  readonly log: string[] = [];
  paused = false;
  private queue: { tag: string; left: number; end: boolean }[] = [];
  private offsetMs = 0;
  /** What the customer's microphone gives, by frame. */
  amplitude = 0;
  silent = false;

  constructor(private readonly clock: Clock) { this.frame(); }

  readonly audioOut: AudioOut = {
    play: (tag, pcm) => { this.queue.push({ tag, left: pcm.length, end: false }); },
    endOf: (tag) => { this.queue.push({ tag, left: 0, end: true }); },
    clear: () => { this.log.push('clear'); this.queue = []; return Promise.resolve({ ...this.sent }); },
    pause: () => { this.log.push('pause'); this.paused = true; },
    resume: () => { if (this.paused) this.log.push('resume'); this.paused = false; },
  };

  get playing(): boolean { return !this.paused && this.queue.length > 0; }

  private frame(): void {
    this.clock.after(FRAME_MS, () => {
      this.offsetMs += FRAME_MS;
      if (!this.paused) this.playFrame();
      if (!this.silent) this.events.emit('audio', { pcm: new Int16Array(FRAME_SAMPLES).fill(this.amplitude), offsetMs: this.offsetMs });
      this.frame();
    });
  }

  private playFrame(): void {
    for (let room = FRAME_SAMPLES; this.queue.length > 0 && room > 0;) {
      const head = this.queue[0];
      const count = Math.min(room, head.left);
      if (count > 0 && !(head.tag in this.sent)) this.events.emit('playing', { tag: head.tag, offsetMs: this.offsetMs });
      if (count > 0) this.sent[head.tag] = (this.sent[head.tag] ?? 0) + count;
      head.left -= count;
      room -= count;
      if (head.left === 0) this.queue.shift();
      if (head.end) this.events.emit('played', { tag: head.tag, offsetMs: this.offsetMs });
    }
  }

  start(): Promise<void> { return Promise.resolve(); }
  hangUp(): void { this.log.push('hangUp'); }
  sendDtmf(): Promise<void> { return Promise.resolve(); }
  record(): Promise<void> { return Promise.resolve(); }
  close(): Promise<LegMediaStats> {
    return Promise.resolve({ packetsSent: 0, packetsReceived: 0, packetsLost: 0, packetsLateOrDuplicate: 0, jitterMs: 0, packetsForeign: 0 });
  }
}

export const fakeVad: VadVendor = {
  windowMs: 32,
  open: ({ onWindow }) => {
    let samples: number[] = [];
    return {
      push: (frame) => {
        samples.push(...frame);
        for (; samples.length >= 256; samples = samples.slice(256)) onWindow(samples.slice(0, 256).filter((x) => x > 100).length > 128 ? 0.95 : 0.02);
      },
      close: () => { samples = []; },
    };
  },
};

/** Understands, one after the other, what the test says was said; `fail` makes a stream break. */
export class FakeStt implements SttVendor {
  readonly caps = { streaming: false, interim: false, hints: true, endpointing: false, languages: ['en'] };
  readonly heard: { text: string; seconds: number }[] = [];
  hints: readonly string[] = [];
  texts: (string | Error | null)[] = [];
  opened = 0;
  delayMs = 60;

  constructor(private readonly clock: Clock) {}

  open(): ReturnType<SttVendor['open']> {
    this.opened++;
    const events = new AsyncQueue<SttEvent>();
    let samples = 0;
    return {
      push: (frame) => { samples += frame.length; },
      setHints: (hints) => { this.hints = hints; },
      discard: () => { samples = 0; },
      endOfTurn: () => {
        const text = this.texts.shift() ?? '';
        if (text instanceof Error) { events.fail(text); return; }
        this.heard.push({ text, seconds: samples / 8000 });
        samples = 0;
        this.clock.after(this.delayMs, () => { events.push({ type: 'final', text, confidence: null, tookMs: this.delayMs }); });
      },
      close: () => { events.close(); return Promise.resolve(); },
      [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](),
    };
  }
}

/** 15 characters a second, in chunks of 100 ms, the first after 60 ms. */
export class FakeTts implements TtsVendor {
  readonly caps = { textStreaming: false, sampleRatesHz: [8000], voices: [] };
  readonly said: string[] = [];
  failures = 0;

  constructor(private readonly clock: Clock) {}

  async *speak(text: AsyncIterable<string>, { signal }: { signal: AbortSignal }): AsyncIterable<Int16Array> {
    for await (const sentence of text) {
      await sleep(this.clock, 60);
      if (this.failures > 0) { this.failures--; throw new Error('no voice'); }
      if (signal.aborted) return;
      this.said.push(sentence);
      for (let left = samplesOf(sentence); left > 0; left -= 800) yield new Int16Array(Math.min(800, left));
    }
  }
}
export const samplesOf = (text: string): number => Math.round((text.length / 15) * 8000);

export class FakeBrain implements LlmConversation {
  readonly asked: ChatMessage[][] = [];
  replies: (string | LlmDelta[] | Error)[] = [];
  openingText: string | undefined;
  endAfterOpening = false;

  constructor(private readonly clock: Clock) {}

  async *reply({ messages }: { messages: readonly ChatMessage[] }): AsyncIterable<LlmDelta> {
    this.asked.push([...messages]);
    await sleep(this.clock, 30);
    const reply = this.replies.shift() ?? 'I see.';
    if (reply instanceof Error) throw reply;
    if (typeof reply === 'string') yield { type: 'text', text: reply };
    else yield* reply;
  }
  opening(): ReturnType<LlmConversation['opening']> { return { hints: ['yes', 'no'], text: this.openingText, endCall: this.endAfterOpening }; }
  notes(): ReturnType<LlmConversation['notes']> { return { slots: {}, intents: [] }; }
}

export const testSettings: BotSettings = {
  ...botDefaults, name: 'Test', systemPrompt: '', openingMessage: 'Hello John, this is Ava from Green Dental. Will you come on Friday?', timezone: 'UTC',
  llm: { provider: 'script', options: {} }, stt: { provider: 'local', options: {} }, tts: { provider: 'flite', options: {} }, script: null, activeHours: null,
  voicemail: { action: 'hang_up', message: 'Please call us back.' }, dtmf: { enabled: true }, prefetch: null, analysis: null, retentionDays: null,
};

/** A call on stage: the test plays the customer. */
export class CallStage {
  readonly leg: FakeLeg;
  readonly stt: FakeStt;
  readonly tts: FakeTts;
  readonly brain: FakeBrain;
  readonly events: { type: TimelineEventType; data: Record<string, unknown>; atMs: number }[] = [];
  readonly ends: CallEvent[] = [];
  readonly pipeline: ConversationPipeline;

  constructor(readonly clock: VirtualClock, changes: Partial<PipelineSetup> = {}) {
    this.leg = new FakeLeg(clock);
    this.stt = new FakeStt(clock);
    this.tts = new FakeTts(clock);
    this.brain = new FakeBrain(clock);
    const openingText = changes.openingText ?? testSettings.openingMessage;
    this.pipeline = new ConversationPipeline({
      leg: this.leg, settings: testSettings, stt: this.stt, tts: this.tts, vad: fakeVad, brain: this.brain, openingText,
      greeting: Promise.resolve(new Int16Array(samplesOf(openingText))), answeredAtMs: clock.monotonicMs(), mayBeMachine: true, clock, logger: silentLogger,
      onEvent: (type, data) => { this.events.push({ type, data, atMs: clock.monotonicMs() }); }, onEnd: (event) => { this.ends.push(event); }, ...changes,
    });
  }

  wait(ms: number): Promise<void> { return this.clock.advanceAsync(ms, 10); }

  /** Speaks for `ms`; `text` is what the recogniser makes of it. */
  async speak(ms: number, text: string | Error): Promise<void> {
    this.stt.texts.push(text);
    this.leg.amplitude = 5000;
    await this.wait(ms);
    this.leg.amplitude = 0;
  }

  /** Waits until the bot has nothing more to play. */
  async untilQuiet(limitMs = 20_000): Promise<void> {
    for (let waited = 0; waited < 200 || this.leg.playing || this.leg.paused; waited += 20) {
      if (waited > limitMs) throw new Error('the bot does not fall silent');
      await this.wait(20);
    }
  }

  async stop(): Promise<ConversationSummary> {
    const stopping = this.pipeline.stop();
    await this.wait(3000);
    return stopping;
  }

  types(): TimelineEventType[] { return this.events.map((event) => event.type); }
}
