import type { CallEvent } from '@dialfleet/call';
import { TurnTaking, type MachineInput, type SttEvent, type TurnInput, type TurnOutput, type TurnState } from '@dialfleet/conversation';
import { errorMessage } from '@dialfleet/kit';
import { answerWithin } from './pipeline-deadline.js';
import { CustomerEar } from './pipeline-ear.js';
import type { TurnMarks } from './pipeline-latency.js';
import { MachineWatch } from './pipeline-machine.js';
import { ConversationRecord } from './pipeline-record.js';
import { APOLOGY, NOBODY_THERE, replyText } from './pipeline-reply.js';
import type { ConversationSummary, PipelineSetup } from './pipeline-setup.js';
import { textOf, utteranceText, type Utterance } from './pipeline-utterance.js';
import { BotVoice } from './pipeline-voice.js';

export type { ConversationSummary, PipelineSetup } from './pipeline-setup.js';

const TICK_MS = 100;
const GREETING_LIMIT_MS = 5000;
/** After the call's end: how long the customer's last words may take to be recognised. */
const LAST_WORDS_LIMIT_MS = 1500;

/**
 * One conversation, from answer to end:
 *
 * ```
 *  leg ─▶ VAD ─▶ STT ─▶ turn ─▶ brain ─▶ sentences ─▶ TTS ─▶ playout ─▶ leg
 *    └───▶ machine detector
 * ```
 * `ear` is the customer's side, `voice` the bot's, `turns` decides whose turn it is, `record` remembers who said what.
 */
export class ConversationPipeline {
  private readonly turnTaking: TurnTaking;
  private readonly machine: MachineWatch;
  private readonly record: ConversationRecord;
  private readonly voice: BotVoice;
  private readonly ear: CustomerEar;
  private turns: TurnState;
  private marks: Partial<TurnMarks> = {};
  private over: 'no' | 'ended' | 'stopped' = 'no';
  /** Somebody else may be about to take the customer over: nothing is heard or said. */
  private held = false;
  private readonly unsubscribe: (() => void)[] = [];
  private cancelTick: () => void = () => undefined;

  constructor(private readonly setup: PipelineSetup) {
    const { clock, settings, answeredAtMs, leg, stt, tts, vad } = setup;
    this.turnTaking = new TurnTaking({
      minWords: settings.interruption.minWords, minSpeechMs: settings.interruption.minSpeechMs,
      openingInterruptible: settings.interruption.openingMessage, silence: settings.silence, keypad: settings.dtmf.enabled,
    });
    this.turns = this.turnTaking.initial(clock.monotonicMs(), true);
    this.machine = new MachineWatch(settings.voicemail.action, answeredAtMs, setup.mayBeMachine);
    this.record = new ConversationRecord(answeredAtMs, clock.nowMs() - (clock.monotonicMs() - answeredAtMs), setup.onEvent);
    this.ear = new CustomerEar(stt, vad, settings.language, clock, {
      window: (probability, windowMs, atMs) => { this.onWindow(probability, windowMs, atMs); },
      heard: (event) => { this.onHeard(event); },
      failed: (message, fatal) => { this.onHearingFailed(message, fatal); },
    });
    this.voice = new BotVoice(leg, tts, settings, clock, {
      started: () => { this.turn({ type: 'playoutStarted' }); },
      worded: (utterance) => { this.record.botWorded(utterance); },
      finished: (utterance) => { this.onFinished(utterance); },
      cut: (utterance, heard) => { this.record.bot(utterance, heard, heard !== utteranceText(utterance) || !utterance.complete); },
      warning: (message) => { this.warn(message); },
      failed: (error) => { this.end({ type: 'fault', reason: 'provider_failed', detail: errorMessage(error) }); },
    });
  }

  start(): void {
    const { leg, onEvent } = this.setup;
    this.ear.open();
    this.unsubscribe.push(
      leg.events.on('audio', ({ pcm, offsetMs }) => {
        if (this.held) return;
        this.ear.push(pcm, offsetMs);
        this.watch({ type: 'audio', pcm });
      }),
      leg.events.on('dtmf', ({ digit }) => { onEvent('dtmf.received', { digit }); this.turn({ type: 'dtmf', digit }); }),
      ...this.voice.listen(),
      () => { this.cancelTick(); },
    );
    this.tick();
    if (!this.setup.mayBeMachine) this.setup.onEnd({ type: 'humanDetected' });
    void this.sayOpening();
  }

  /** The bot falls silent at once, and deaf. */
  hold(): void {
    if (this.over !== 'no') return;
    this.held = true;
    this.voice.cut();
    this.ear.discard();
  }

  /** The customer is the bot's again, and is told so. */
  resume(): void {
    if (!this.held || this.over !== 'no') return;
    this.held = false;
    this.turns = this.turnTaking.initial(this.now(), false);
    this.voice.say({ text: () => textOf(NOBODY_THERE) });
  }

  /**
   * May come at any time, also mid-sentence: what the bot was saying is cut to what was heard, what the customer was
   * saying is still recognised, within a bounded time.
   */
  async stop(): Promise<ConversationSummary> {
    this.over = 'stopped';
    for (const off of this.unsubscribe.splice(0)) off();
    this.voice.cut();
    await this.voice.settled;
    await this.ear.finish(LAST_WORDS_LIMIT_MS);
    for (const waiting of [this.turns.held, this.turns.unfinished]) if (waiting) this.record.customer(waiting.text, waiting.startedMs);
    this.record.count('stt_audio_seconds', this.ear.speechSeconds);
    return { ...this.record.summary(), notes: this.setup.brain.notes() };
  }

  // ── The customer's side: leg → VAD → STT ─────────────────────────────────────────────────────────────────────────

  private onWindow(probability: number, windowMs: number, atMs: number): void {
    this.watch({ type: 'vad', probability, windowMs }, atMs);
    this.turn({ type: 'vad', probability, windowMs }, atMs);
  }

  private onHeard(event: SttEvent): void {
    if (event.type === 'interim') return this.turn(event);
    const { text } = event;
    const startedMs = (this.turns.pending[0] ?? this.turns.speech)?.startedMs ?? this.now();
    if (text !== '') this.watch({ type: 'transcript', text, startedMs });
    this.marks.finalMs = this.now();
    if (this.over === 'no' && !this.machine.tookOver) return this.turn({ type: 'final', text });
    this.turns = { ...this.turns, pending: this.turns.pending.slice(1) };
    if (text !== '') this.record.customer(text, startedMs);
  }

  private onHearingFailed(message: string, fatal: boolean): void {
    this.warn(`the recogniser failed: ${message}`);
    if (!fatal || this.over !== 'no') return;
    this.voice.say({ text: () => textOf(APOLOGY), then: { type: 'fault', reason: 'provider_failed', detail: message } });
    this.turn({ type: 'lastWords' });
  }

  // ── Whose turn it is ─────────────────────────────────────────────────────────────────────────────────────────────

  private turn(input: TurnInput, nowMs = this.now()): void {
    if (this.over !== 'no' || this.held || this.machine.tookOver) return;
    const { state, outputs } = this.turnTaking.turn(this.turns, input, nowMs);
    this.turns = state;
    for (const output of outputs) this.perform(output);
  }

  private perform(output: TurnOutput): void {
    switch (output.type) {
      case 'speechStarted': this.ear.speechStarted(); break;
      case 'endOfTurn': this.marks = { lastVoicedMs: output.lastVoicedMs, endOfTurnMs: this.now() }; this.ear.endOfTurn(); break;
      case 'discardNoise': this.ear.discard(); break;
      case 'pausePlayout': this.voice.pause(); break;
      case 'resumePlayout': this.voice.resume(); break;
      case 'stopPlayout': case 'cancelReply': this.voice.cut(); break;
      case 'backChannel': this.record.aside(output.text, output.startedMs); break;
      case 'startReply':
        this.record.customer(output.text, output.startedMs);
        this.reply(output.by === 'speech' ? this.marks : {});
        break;
      case 'promptSilence': this.promptSilence(output.index); break;
      case 'hangUpSilence': this.end({ type: 'silence' }); break;
    }
  }

  private tick(): void {
    this.cancelTick = this.setup.clock.after(TICK_MS, () => {
      this.watch({ type: 'tick' });
      this.turn({ type: 'tick' });
      if (this.over !== 'stopped') this.tick();
    });
  }

  // ── The bot's side: brain → sentences → TTS → playout ────────────────────────────────────────────────────────────

  private async sayOpening(): Promise<void> {
    const { openingText, greeting, brain, clock } = this.setup;
    const pcm = await answerWithin(greeting, GREETING_LIMIT_MS, clock, 'the greeting').catch((error: unknown) => { this.warn(errorMessage(error)); return null; });
    if (this.over !== 'no' || this.held || this.machine.tookOver) return;
    if (openingText === '') return this.reply({});
    const { hints, answer, text = '', endCall } = brain.opening();
    this.expect(hints, answer);
    const then: CallEvent | undefined = endCall ? { type: 'botHangUp' } : undefined;
    if (pcm) this.voice.say({ text: () => textOf(text), ready: { text: openingText, pcm }, then });
    else this.voice.say({ text: () => textOf(`${openingText} ${text}`), then });
    if (endCall) this.turn({ type: 'lastWords' });
  }

  private reply(marks: Partial<TurnMarks>): void { this.voice.say({ text: (utterance) => this.brainText(utterance), marks }); }

  private async *brainText(utterance: Utterance): AsyncIterable<string> {
    const { brain, clock, onEvent } = this.setup;
    await this.voice.settled;
    this.record.count('llm_replies', 1);
    yield* replyText(brain, () => this.record.messages(), utterance.stop.signal, clock, {
      firstToken: () => { utterance.marks.firstTokenMs ??= this.now(); },
      expect: (hints, answer) => { this.expect(hints, answer); },
      tool: (name, data) => { onEvent('tool.called', { name, ...data }); },
      thenEnd: (event) => { this.voice.endWith(event); this.turn({ type: 'lastWords' }); },
      warning: (message) => { this.warn(message); },
    });
  }

  private promptSilence(index: number): void {
    const { prompts } = this.setup.settings.silence;
    const text = prompts[Math.min(index, prompts.length - 1)] ?? '';
    this.setup.onEvent('silence.prompted', { index, text });
    this.voice.say({ text: () => textOf(text) });
  }

  private onFinished(utterance: Utterance): void {
    if (utterance.startedMs !== null) {
      this.record.bot(utterance, utteranceText(utterance), false);
      this.watch({ type: 'botFinished' });
    }
    if (utterance.then) this.end(utterance.then);
    else this.turn({ type: utterance.startedMs === null ? 'replyEmpty' : 'playoutFinished' });
  }

  private expect(hints: readonly string[], answer: 'short' | 'long' = 'short'): void {
    this.ear.expect(hints);
    this.turn({ type: 'expect', answer });
  }

  // ── Person or machine, and the end ───────────────────────────────────────────────────────────────────────────────

  private watch(input: MachineInput, nowMs = this.now()): void {
    if (this.over !== 'no' || this.held) return;
    for (const output of this.machine.hear(input, nowMs)) {
      if (output.type === 'leaveMessage') this.leaveMessage();
      else if (output.verdict === 'human') this.setup.onEnd({ type: 'humanDetected' });
      else this.onMachine(output.reason);
    }
  }

  private onMachine(reason: string): void {
    const { action } = this.setup.settings.voicemail;
    this.setup.onEvent('machine.detected', { reason, action });
    if (!this.machine.tookOver) return;
    this.voice.cut();
    this.ear.discard();
    if (action === 'hang_up') this.end({ type: 'machineDetected' });
  }

  private leaveMessage(): void {
    if (!this.machine.tookOver) return;
    const text = this.setup.voicemailText ?? this.setup.settings.voicemail.message;
    this.voice.say({ text: () => textOf(text), then: { type: 'machineDetected' } });
  }

  private end(event: CallEvent): void {
    if (this.over !== 'no') return;
    this.over = 'ended';
    this.setup.onEnd(event);
  }

  private warn(message: string): void {
    this.record.warnings.push(message);
    this.setup.logger.warn('conversation', { message });
    this.setup.onEvent('warning', { message });
  }

  private now(): number { return this.setup.clock.monotonicMs(); }
}
