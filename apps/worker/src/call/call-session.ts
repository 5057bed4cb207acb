import type { BotSettings } from '@dialfleet/bot';
import {
  endCause, ladderLine, readTransferTarget, transition, type CallEffect, type CallEvent, type CallLeg, type CallOutcome, type CallPlan, type CallState, type EndCause, type LegMediaStats, type TransferTarget,
} from '@dialfleet/call';
import type { SttVendor, VadVendor } from '@dialfleet/conversation';
import type { WorkerCommandReply } from '@dialfleet/fleet';
import { errorMessage, maskNumber, within, type Clock, type Logger } from '@dialfleet/kit';
import type { RunningCall } from '../fleet/call-slots.js';
import { buildOutcome } from './call-outcome.js';
import { prepareCall, type PreparationTools, type PreparedCall } from './call-preparation.js';
import { CallRecording } from './call-recording.js';
import { CallTransfer, type TransferRequest } from './call-transfer.js';
import type { CallTimeline, WorkerIdentity } from './call-timeline.js';
import { FirstWords } from './first-words.js';
import { qualityWarnings } from './media-quality.js';
import type { ConversationSummary, PipelineSetup } from './pipeline.js';
import type { RecordingShelf } from './recording-shelf.js';

/** How long a caller hears the phone ring for the sake of the CRM's answer and the greeting. */
const ANSWER_WITHIN_MS = 2500;
/** How long the far end gets to confirm a CANCEL or BYE before the result goes out without it. */
const RELEASE_TIMEOUT_MS = 5000;
/** How long the outcome lets the timeline go first while the broker is away: a result is made with the events that came before it. */
const TIMELINE_LEAD_MS = 60_000;
/** Two people who talk to each other are not hurried, and not forgotten. */
const BRIDGE_LIMIT_MS = 4 * 3_600_000;
/** How long the pipeline may take to finish what the customer was saying. */
const SUMMARY_TIMEOUT_MS = 4000;

/** ConversationPipeline as the session sees it. */
export interface Conversation { start(): void; hold(): void; resume(): void; stop(): Promise<ConversationSummary> }

export interface SessionTools extends PreparationTools {
  worker: WorkerIdentity;
  createLeg(plan: CallPlan): Promise<CallLeg>;
  /** Places a call of its own over the plan's trunk: the second leg of a transfer. */
  createSecondLeg(plan: CallPlan): Promise<CallLeg>;
  converse(setup: PipelineSetup): Conversation;
  stt: SttVendor;
  vad: VadVendor;
  timeline: CallTimeline;
  recordings: RecordingShelf;
  /** Resolves when the outcome is safe. It goes out once `told` has resolved. */
  keepOutcome(outcome: CallOutcome, told: Promise<void>): Promise<void>;
  clock: Clock;
  logger: Logger;
}

/**
 * One call from claim to outcome. The table in @dialfleet/call decides what is legal; this class performs the effects.
 * Whatever happens, it ends with exactly one outcome, and the first cause of the end wins.
 */
export class CallSession implements RunningCall {
  readonly done: Promise<void>;
  private state: CallState;
  private leg: CallLeg | undefined;
  private conversation: Conversation | undefined;
  private cause: EndCause | undefined;
  private answeredAtMs: number | null = null;
  private endedAtMs: number | null = null;
  private readonly ringingSeen = new Set<string>();
  private readonly startedAtMs: number;
  private readonly aborted = new AbortController();
  private readonly timers: (() => void)[] = [];
  private readonly prepared: Promise<PreparedCall>;
  private summary: Promise<ConversationSummary | undefined> = Promise.resolve(undefined);
  private finish: () => void = () => undefined;
  private transferTarget: string | null = null;
  private handOver: CallTransfer | undefined;
  private readonly recording: CallRecording;
  private readonly warnings: string[] = [];

  constructor(private readonly plan: CallPlan<BotSettings>, private readonly tools: SessionTools) {
    this.state = plan.direction === 'inbound' ? 'offered' : 'dialling';
    this.startedAtMs = tools.clock.monotonicMs();
    this.recording = new CallRecording(plan.sessionId, tools.recordings, tools.clock, (detail) => { this.onRecordingFailed(detail); });
    const finished = new Promise<void>((resolve) => { this.finish = resolve; });
    // Not at once: the claim's answer leaves first.
    this.prepared = new Promise((resolve) => { tools.clock.after(0, () => { resolve(prepareCall(plan, tools, this.aborted.signal)); }); });
    this.prepared.catch(() => undefined);
    this.done = finished.then(() => this.conclude()).catch((error: unknown) => { tools.logger.error('a call could not be concluded', { error }); });
    if (plan.direction === 'inbound') this.offered();
    tools.clock.after(0, () => { void (plan.direction === 'inbound' ? this.takeOffer() : this.dial()); });
  }

  hangUp(reason: 'requested' | 'draining'): void {
    this.tools.timeline.add('hangup.requested', { reason });
    this.dispatch({ type: 'cancelled' });
    if (reason === 'draining' && this.cause?.hangupReason === 'hangup_requested') this.cause = { ...this.cause, hangupReason: 'draining' };
  }

  /** The worker cannot go on: the call ends with a result all the same. */
  fail(detail: string): void { this.dispatch({ type: 'fault', reason: 'worker_failed', detail }); }

  /** Hands the customer over to `raw`, a number as a person types it; how it goes is on the timeline. */
  transfer(raw: string, by: Pick<TransferRequest, 'requestedBy' | 'report'> = { requestedBy: 'api' }): WorkerCommandReply {
    const { leg, conversation } = this;
    if (!leg || !conversation || this.handOver || (this.state !== 'answered' && this.state !== 'talking')) return { ok: false, reason: 'not_in_conversation' };
    const target = readTransferTarget(raw, this.plan.trunk.dialling);
    if (!target.ok) return { ok: false, reason: target.code === 'destination_blocked' ? 'destination_blocked' : 'invalid' };
    const { number } = target.value;
    const ended = (act: () => void) => (): void => { this.handOver = undefined; act(); };
    this.handOver = new CallTransfer({ target: target.value, ...by }, {
      leg, clock: this.tools.clock, logger: this.tools.logger, onEvent: (type, data) => { this.tools.timeline.add(type, data); },
      createLeg: (to) => this.createSecondLeg(to),
      referred: ended(() => { this.dispatch({ type: 'transferred', target: number }); }),
      bridged: () => { this.dispatch({ type: 'bridged', target: number }); },
      over: ended(() => { this.dispatch({ type: 'transferred', target: number }); }),
      failed: ended(() => { this.conversation?.resume(); }),
      customerLeft: ended(() => { this.dispatch({ type: 'remoteHangUp' }); }),
    });
    conversation.hold();
    this.handOver.start();
    return { ok: true };
  }

  private async createSecondLeg(target: TransferTarget): Promise<CallLeg> {
    const { plan, tools } = this;
    // The trunk knows our own number as a caller id: the one dialled where the customer called us.
    const fromNumber = plan.direction === 'inbound' ? plan.toNumber : plan.fromNumber;
    const leg = await tools.createSecondLeg({
      ...plan, trunk: { ...plan.trunk, allowRefer: false }, direction: 'outbound', toNumber: target.number, dialUser: target.dialUser, fromNumber,
    });
    leg.events.on('ladder', ({ messages }) => { tools.timeline.add('sip.ladder', { leg: 'transfer', messages: messages.map(ladderLine) }); });
    return leg;
  }

  private referredByFarEnd(target: string, report: (sipStatus: number) => void): void {
    const reply = this.transfer(target, { requestedBy: 'far_end', report });
    if (reply.ok) return;
    this.tools.logger.info('REFER refused', { target: maskNumber(target), reason: reply.reason });
    report(603);
  }

  private customerHungUp(detail?: string): void {
    if (this.handOver) this.handOver.hungUp(); else this.dispatch({ type: 'remoteHangUp', ...(detail === undefined ? {} : { detail }) });
  }

  private async dial(): Promise<void> {
    const { timeline, logger, clock } = this.tools;
    timeline.add('call.dialling', { to_number: this.plan.toNumber, from_number: this.plan.fromNumber, trunk_id: this.plan.trunk.trunkId });
    logger.info('dialling', { to: maskNumber(this.plan.toNumber), trunk_id: this.plan.trunk.trunkId });
    this.timers.push(clock.after(this.plan.ringTimeoutMs, () => { this.dispatch({ type: 'ringTimeout' }); }));
    try {
      const leg = await this.tools.createLeg(this.plan);
      this.leg = leg;
      this.listen(leg);
      if (this.state !== 'dialling') { leg.hangUp(); return; }
      await leg.start();
    } catch (error) {
      logger.warn('the call could not be placed', { error });
      this.dispatch({ type: 'fault', reason: 'trunk_failed', detail: errorMessage(error) });
    }
  }

  /** The caller gave up before anybody could listen to the leg. */
  callerLeft(): void { this.dispatch({ type: 'remoteHangUp' }); }

  private offered(): void {
    const { timeline, logger } = this.tools;
    timeline.add('call.offered', { to_number: this.plan.toNumber, from_number: this.plan.fromNumber, trunk_id: this.plan.trunk.trunkId });
    logger.info('called', { to: maskNumber(this.plan.toNumber), trunk_id: this.plan.trunk.trunkId });
  }

  /** A caller: hears the phone ring until the greeting is ready, and not for long. */
  private async takeOffer(): Promise<void> {
    if (this.state !== 'offered') return;
    const { timeline, logger, clock } = this.tools;
    try {
      const leg = await this.tools.createLeg(this.plan);
      this.leg = leg;
      this.listen(leg);
      if (this.state !== 'offered') { leg.hangUp(); return; }
      leg.ring?.();
      timeline.add('call.ringing', { sip_status: 180 });
      await within(clock, ANSWER_WITHIN_MS, this.prepared.then(({ greeting }) => greeting, () => null));
      if (this.state === 'offered') await leg.start();
    } catch (error) {
      logger.warn('the call could not be answered', { error });
      this.dispatch({ type: 'fault', reason: 'worker_failed', detail: errorMessage(error) });
    }
  }

  private listen(leg: CallLeg): void {
    leg.events.on('provisional', ({ sipStatus, earlyMedia }) => { this.onProvisional(sipStatus, earlyMedia); });
    leg.events.on('answered', () => { this.dispatch({ type: 'answered' }); });
    leg.events.on('failed', ({ sipStatus, reason }) => { this.dispatch({ type: 'finalFailure', sipStatus, reason }); });
    leg.events.on('hungUp', ({ sipReason }) => { this.customerHungUp(sipReason); });
    leg.events.on('referred', ({ target, report }) => { this.referredByFarEnd(target, report); });
    leg.events.on('fault', ({ reason, detail }) => { this.dispatch({ type: 'fault', reason, detail }); });
    leg.events.on('released', () => { this.dispatch({ type: 'released' }); });
    leg.events.on('ladder', ({ messages }) => { this.tools.timeline.add('sip.ladder', { messages: messages.map(ladderLine) }); });
    leg.events.on('recordingFailed', ({ message }) => { this.recording.failed(message); });
  }

  /** Ringback and announcements are recorded with the call, and nothing listens to them: who speaks there has not answered. */
  private onProvisional(sipStatus: number, earlyMedia: boolean): void {
    if (earlyMedia && this.plan.record && this.leg) void this.recording.begin(this.leg);
    const told = `${sipStatus}${earlyMedia ? ' with media' : ''}`;
    if (sipStatus === 100 || this.ringingSeen.has(told)) return;
    this.ringingSeen.add(told);
    this.tools.timeline.add(earlyMedia ? 'call.early_media' : 'call.ringing', { sip_status: sipStatus });
    this.dispatch({ type: 'provisional', sipStatus });
  }

  private dispatch(event: CallEvent): void {
    const step = transition(this.state, event.type);
    if (!step.legal) { this.tools.logger.debug('event ignored', { event: event.type, state: this.state }); return; }
    this.state = step.state;
    if (event.type === 'humanDetected') this.tools.timeline.add('call.talking');
    if (event.type === 'transferred' || event.type === 'bridged') this.transferTarget = event.target;
    if ((step.state === 'ending' || step.state === 'ended') && !this.cause) this.noteCause(event);
    for (const effect of step.effects) this.perform(effect);
  }

  private noteCause(event: CallEvent): void {
    this.cause = endCause(event, this.answeredAtMs !== null, this.plan.direction);
    this.endedAtMs = this.tools.clock.monotonicMs();
    this.recording.callEnds();
    const detail = 'detail' in event ? event.detail : 'reason' in event ? event.reason : undefined;
    this.tools.timeline.add('call.ending', {
      disconnected_by: this.cause.disconnectedBy, hangup_reason: this.cause.hangupReason, sip_status: this.cause.sipStatus, ...(detail ? { detail } : {}),
    });
  }

  private perform(effect: CallEffect): void {
    switch (effect) {
      case 'startConversation': void this.converse(); break;
      case 'leaveConversation': this.leaveConversation(); break;
      case 'releaseLeg': this.release(); break;
      case 'hangUpAnswered': this.leg?.hangUp(); break;
      case 'finish': this.finish(); break;
    }
  }

  private async converse(): Promise<void> {
    const { clock, timeline } = this.tools;
    const leg = this.leg as CallLeg;
    this.answeredAtMs = clock.monotonicMs();
    this.stopTimers();
    timeline.add('call.answered', { sip_status: 200, ring_duration_seconds: seconds(this.answeredAtMs - this.startedAtMs) });
    this.timers.push(clock.after(this.plan.maxDurationMs, () => { this.dispatch({ type: 'maxDuration' }); }));
    const firstWords = new FirstWords(leg);
    try {
      if (this.plan.record) await this.recording.begin(leg);
      const prepared = await this.prepared;
      if (this.state !== 'answered') return;
      const conversation = this.tools.converse({
        leg, settings: this.settings(), mayBeMachine: this.plan.direction === 'outbound', stt: this.tools.stt, tts: this.tools.tts, vad: this.tools.vad, brain: prepared.brain,
        openingText: prepared.openingText, voicemailText: prepared.voicemailText, greeting: prepared.greeting, answeredAtMs: this.answeredAtMs, clock, logger: this.tools.logger,
        onEvent: (type, data) => { timeline.add(type, data); }, onEnd: (event) => { this.dispatch(this.plan.announcement !== undefined && event.type === 'botHangUp' ? { ...event, reason: 'outside_hours' } : event); },
      });
      this.conversation = conversation;
      conversation.start();
      firstWords.release();
    } catch (error) {
      this.tools.logger.error('the conversation could not start', { error });
      this.dispatch({ type: 'fault', reason: 'worker_failed', detail: errorMessage(error) });
    }
  }

  /** An announcement is heard to its end. */
  private settings(): BotSettings {
    const { bot, announcement } = this.plan;
    return announcement === undefined ? bot : { ...bot, interruption: { ...bot.interruption, openingMessage: false } };
  }

  private onRecordingFailed(detail: string): void {
    this.tools.logger.error('recording failed', { detail });
    this.warn(`recording failed: ${detail}`);
  }

  private warn(message: string): void {
    this.tools.timeline.add('warning', { message });
    this.warnings.push(message);
  }

  /** The customer talks to somebody else now. */
  private leaveConversation(): void {
    this.stopTimers();
    this.stopConversation();
    this.timers.push(this.tools.clock.after(BRIDGE_LIMIT_MS, () => { this.dispatch({ type: 'maxDuration' }); }));
  }

  /** Takes leave: the bot falls silent, CANCEL or BYE goes out, and the far end gets a moment to confirm. */
  private release(): void {
    this.stopTimers();
    this.stopConversation();
    this.stopTransfer();
    this.timers.push(this.tools.clock.after(RELEASE_TIMEOUT_MS, () => { this.dispatch({ type: 'released' }); }));
    if (this.leg) this.leg.hangUp(); else this.dispatch({ type: 'released' });
  }

  private stopTransfer(): void {
    this.handOver?.abandon();
    this.handOver = undefined;
  }

  private stopConversation(): void {
    this.aborted.abort();
    const { conversation } = this;
    if (!conversation) return;
    this.conversation = undefined;
    this.summary = within(this.tools.clock, SUMMARY_TIMEOUT_MS, conversation.stop());
  }

  private async conclude(): Promise<void> {
    this.stopTimers();
    this.stopConversation();
    this.stopTransfer();
    const { tools, plan } = this;
    const summary = await this.summary.catch((error: unknown) => { tools.logger.error('the conversation left no summary', { error }); return undefined; });
    const media = await this.closeLeg();
    if (media && this.answeredAtMs !== null) for (const message of qualityWarnings(media)) this.warn(message);
    const prepared = await within(tools.clock, 0, this.prepared.catch(() => undefined));
    const { answeredAtSeconds, ...recording } = await this.recording.finish(this.answeredAtMs);
    if (recording.key) tools.timeline.add('recording.finished', { status: recording.status, duration_seconds: recording.durationSeconds, answered_at_seconds: answeredAtSeconds });
    const outcome = buildOutcome({
      plan, worker: tools.worker, cause: this.cause ?? endCause({ type: 'fault', reason: 'worker_failed' }, false, plan.direction), media, summary, prepared, recording,
      warnings: this.warnings, transferredTo: this.transferTarget, nowWallMs: tools.clock.nowMs(), nowMs: tools.clock.monotonicMs(), startedAtMs: this.startedAtMs,
      answeredAtMs: this.answeredAtMs, endedAtMs: this.endedAtMs ?? tools.clock.monotonicMs(),
    });
    tools.timeline.add('call.ended', { disconnected_by: outcome.disconnectedBy, hangup_reason: outcome.hangupReason, call_duration_seconds: outcome.callDurationSeconds });
    tools.logger.info('call ended', { disconnected_by: outcome.disconnectedBy, reason: outcome.hangupReason, seconds: outcome.callDurationSeconds });
    await tools.keepOutcome(outcome, tools.timeline.flush(TIMELINE_LEAD_MS));
  }

  private async closeLeg(): Promise<LegMediaStats | undefined> {
    try { return await this.leg?.close(); } catch (error) {
      this.tools.logger.warn('the leg did not close cleanly', { error });
      return undefined;
    }
  }

  private stopTimers(): void { for (const cancel of this.timers.splice(0)) cancel(); }
}

const seconds = (ms: number): number => Math.round(ms) / 1000;
