import type { AudioOut, CallLeg, LegEvents, LegMediaStats, TransferOutcome, TrunkPlan } from '@dialfleet/call';
import { Emitter, errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import type { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js';
import type { Session } from 'sip.js/lib/core/session/session.js';
import type { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import type { URI } from 'sip.js/lib/grammar/uri.js';
import { audioCodecsOf } from '../../codecs/audio-codecs.js';
import type { MediaFactory } from '../../media-session.js';
import { methodsOf, SUPPORTED_EXTENSIONS } from '../message/capabilities.js';
import { ConfirmedDialog } from '../in-call/confirmed-dialog.js';
import { digestSessionOf, type DigestSession } from '../auth/digest-session.js';
import { EarlyDialogs } from './early-dialogs.js';
import { earlyUpdates } from '../in-call/far-end-offer.js';
import { InviteAttempt } from './invite-attempt.js';
import { InviteAttempts, type AttemptEnd, type NextStep } from './invite-attempts.js';
import { requestUri, trunkDestination } from './invite-headers.js';
import { InviteWriter, type InviteOptions } from './invite-writer.js';
import { LegMedia } from '../media/leg-media.js';
import { randomToken } from '../random-token.js';
import { redirection } from './redirect-contacts.js';
import { refusalReason } from '../message/refusal-reason.js';
import { optionTags } from './reliable-provisional.js';
import { retryAfterMs } from '../message/retry-after.js';
import { policyAfterTooSmall, sessionTimerPolicy, termsOfAnswer, type SessionTimerPolicy } from '../in-call/session-timer.js';
import { sdpOf } from '../message/sip-body.js';
import type { ServerLocator, SipTarget } from '../locate/sip-target.js';
import type { TransportLayer } from '../transport/transport-layer.js';

export interface OutboundCallOptions extends InviteOptions {
  trunk: InviteOptions['trunk'] & Pick<TrunkPlan, 'username' | 'password' | 'codecs' | 'srtp' | 'tls' | 'wsPath' | 'tcpForLargeRequests' | 'keepAliveSeconds' | 'redirectHosts' | 'sessionExpiresSeconds' | 'allowRefer'>;
}

/** What a leg needs of its endpoint. */
export interface OutboundContext {
  core: UserAgentCore;
  transport: TransportLayer;
  locator: ServerLocator;
  clock: Clock;
  logger: Logger;
  media: MediaFactory;
  /** Host of From where the trunk names none. */
  localHost: string;
  contactHeader: string;
  /** `Contact: <…>` for requests that go to this target. */
  contactHeaderFor(target: SipTarget): string;
  /** The leg is on the wire, or nothing of it is left there. */
  onLive(leg: OutboundLeg): void;
  onGone(leg: OutboundLeg): void;
  /** Nobody is interested in it any more. */
  onClosing(leg: OutboundLeg): void;
}

/**
 * ```
 * idle ─▶ seeking ─▶ inviting ─▶ confirmed ─▶ gone
 *   │      │  ▲─────────┤            │
 *   │      │  next target            │
 *   └──────┴───────▶ leaving ◀───────┘        (hangUp: CANCEL or BYE is on its way)
 *                      └─────▶ gone
 * ```
 */
type State = 'idle' | 'seeking' | 'inviting' | 'confirmed' | 'leaving' | 'gone';

/** Without any response a server is passed over for the next after this long, well before timer B (RFC 3263 §4.3). */
export const SILENT_TARGET_MS = 5_000;

type Invite = Extract<NextStep<URI>, { kind: 'invite' }>;

/** A call that we place: INVITEs to one server after the other until one takes it (RFC 3261 §13.2, RFC 3263 §4.3), and the dialog that comes of it. */
export class OutboundLeg implements CallLeg {
  readonly events = new Emitter<LegEvents>();
  readonly audioOut: AudioOut;
  readonly callId = randomToken(15);
  private readonly digest: DigestSession | undefined;
  private readonly media: LegMedia;
  private readonly writer: InviteWriter;
  private readonly attempts: InviteAttempts<URI>;
  private state: State = 'idle';
  private hangingUp = false;
  private releasedSent = false;
  /** The current attempt is the last; those before it are over or abandoned. */
  private readonly sent: InviteAttempt[] = [];
  private early = new EarlyDialogs();
  private dialog: ConfirmedDialog | undefined;
  private timerPolicy: SessionTimerPolicy;
  /** As the server that was invited last can reach us. */
  private contactHeader = '';
  private stopSilenceTimer: () => void = () => undefined;

  /** Throws UnsafeSipValueError when a value may not stand in a SIP message. */
  constructor(private readonly options: OutboundCallOptions, private readonly context: OutboundContext) {
    const { trunk, dialUser } = options;
    this.attempts = new InviteAttempts({ uri: requestUri(dialUser, trunk), destination: trunkDestination(trunk) });
    this.writer = new InviteWriter(options, { ...context, callId: this.callId });
    this.digest = digestSessionOf(trunk);
    this.timerPolicy = sessionTimerPolicy(trunk.sessionExpiresSeconds);
    this.media = new LegMedia(context.media, audioCodecsOf(trunk.codecs), this.events, context.logger, trunk.srtp);
    this.audioOut = this.media.audioOut;
  }

  /** Never rejects: what goes wrong comes as `failed` or `fault`. */
  async start(): Promise<void> {
    if (this.state !== 'idle') throw new Error('a leg starts once');
    this.state = 'seeking';
    this.context.onLive(this);
    await this.take(this.attempts.start());
  }

  hangUp(): void {
    if (this.hangingUp) return;
    this.hangingUp = true;
    if (this.state === 'idle' || this.state === 'gone') { queueMicrotask(() => this.gone(null)); return; }
    if (this.state === 'inviting') this.cancel();
    else if (this.state === 'confirmed') this.bye();
    // 'seeking' looks at hangingUp once its server and media are there.
  }

  sendDtmf(digits: string): Promise<void> { return this.dialog ? this.dialog.sendDtmf(digits) : this.media.sendDtmf(digits); }

  transfer(target: string, progress: (sipStatus: number) => void = () => undefined): Promise<TransferOutcome> {
    if (!this.dialog || this.state !== 'confirmed') return Promise.resolve({ ok: false, sipStatus: null, reason: 'the call is not answered' });
    return this.dialog.transfer(target, progress);
  }

  record(filePath: string): Promise<void> { return this.media.record(filePath); }

  close(): Promise<LegMediaStats> {
    this.hangUp();
    this.context.onClosing(this);
    return this.media.close();
  }

  /** The endpoint gives up waiting. */
  abandon(): void {
    this.attempt?.destroy();
    this.gone(null);
  }

  /** Only a call that is still wanted answers a challenge: the far end may send one after our CANCEL. */
  get authentication(): DigestSession | undefined { return !this.hangingUp || this.dialog ? this.digest : undefined; }

  /** A 101–199 without a To tag or Contact; see MessageIntake. */
  informalProgress(sipStatus: number, branch: string): void { for (const attempt of this.sent) attempt.informalProgress(sipStatus, branch); }

  private get attempt(): InviteAttempt | undefined { return this.sent.at(-1); }

  private async take(step: NextStep<URI>): Promise<void> {
    if (this.hangingUp) return this.gone(null);
    switch (step.kind) {
      case 'locate': return this.locate(step.invitee.destination);
      case 'invite': return this.inviteTarget(step);
      case 'unlocated': return this.fail('trunk_failed', step.detail);
      case 'failed':
        this.gone();
        this.events.emit('failed', { sipStatus: step.sipStatus, reason: step.reason });
    }
  }

  private async locate(destination: Parameters<ServerLocator['locate']>[0]): Promise<void> {
    this.state = 'seeking';
    const next = await this.context.locator.locate(destination).then(
      (targets) => this.attempts.located(targets), (error: unknown) => this.attempts.notLocated(errorMessage(error)));
    // Given up by the endpoint meanwhile.
    if (this.state === 'seeking') await this.take(next);
  }

  private async inviteTarget(step: Invite): Promise<void> {
    try {
      await this.media.open();
    } catch (error) {
      return this.fail('worker_failed', `no media session: ${errorMessage(error)}`);
    }
    if (this.state === 'gone') return;
    if (this.hangingUp) return this.gone(null);
    try {
      this.sendInvite(step);
    } catch (error) {
      this.fail('trunk_failed', `INVITE could not be made: ${errorMessage(error)}`);
    }
  }

  private sendInvite(step: Invite): void {
    const { invitee, target, isLast } = step;
    const { transport, clock } = this.context;
    const { tcpForLargeRequests, keepAliveSeconds } = this.options.trunk;
    this.early = new EarlyDialogs();
    this.media.forgetRemote();
    const message = this.writer.write(invitee.uri, target, this.media.createOffer(), this.timerPolicy);
    transport.aim(this.callId, target, { tcpForLargeRequests, keepAliveSeconds });
    this.contactHeader = this.context.contactHeaderFor(target);
    this.state = 'inviting';
    if (!isLast) this.stopSilenceTimer = clock.after(SILENT_TARGET_MS, () => this.passOver(target));
    this.sent.push(new InviteAttempt(message, this.context, {
      progressed: (sipStatus, response) => this.progressed(sipStatus, response),
      accepted: (session, response) => this.accepted(session, response),
      early: earlyUpdates({ media: this.media, logger: this.context.logger, contactHeader: this.contactHeader }, (tag, offer) => this.early.updated(tag, offer)),
      refused: (response, ours) => this.refused(step, response, ours),
      neverEnded: () => this.gone(487),
    }));
  }

  /** The server says nothing at all, and there is another. Should it wake up, it is told to stop. */
  private passOver(target: SipTarget): void {
    if (this.state !== 'inviting') return;
    this.context.locator.failed(target);
    this.attempt?.abandon();
    void this.take(this.attempts.ended({ kind: 'silent' }));
  }

  private progressed(sipStatus: number, message: IncomingResponseMessage | undefined): void {
    this.stopSilenceTimer();
    if (this.state !== 'inviting') return;
    if (message) this.noteRequirements(message);
    const sdp = message && sdpOf(message);
    if (sipStatus === 199) this.branchEnded(message?.toTag);
    const earlyMedia = message !== undefined && sdp !== undefined && this.heardEarly(message.toTag, sdp);
    this.events.emit('provisional', { sipStatus, earlyMedia });
  }

  /** RFC 3261 leaves open what a caller does about an extension that it never offered: the call is worth more than the extension. */
  private noteRequirements(message: IncomingResponseMessage): void {
    const unknown = optionTags(message, 'require').filter((tag) => !SUPPORTED_EXTENSIONS.has(tag));
    if (unknown.length > 0) this.context.logger.warn('a response requires what we do not know: going on without it', { extensions: unknown.join(', '), sipStatus: message.statusCode });
  }

  private heardEarly(toTag: string, sdp: string): boolean {
    if (!this.early.described(toTag, sdp) || this.applyAnswer(sdp) === undefined) return true;
    this.early.ended(toTag);
    return false;
  }

  /** RFC 6228 */
  private branchEnded(toTag: string | undefined): void {
    const heardInstead = toTag === undefined ? undefined : this.early.ended(toTag);
    if (heardInstead !== undefined) this.applyAnswer(heardInstead);
  }

  private accepted(session: Session, message: IncomingResponseMessage): void {
    this.stopSilenceTimer();
    if (this.state === 'gone') { session.bye(); return; }
    const dialog = new ConfirmedDialog(session, {
      clock: this.context.clock, logger: this.context.logger, contactHeader: this.contactHeader, media: this.media, events: this.events, ownsCallId: true,
      peerAllows: methodsOf(message.getHeaders('allow')), timerPolicy: this.timerPolicy, allowRefer: this.options.trunk.allowRefer, dialledPort: this.options.trunk.port,
    }, () => this.gone());
    this.dialog = dialog;
    this.noteRequirements(message);
    const answered = { sipStatus: message.statusCode ?? 200 };
    if (this.state === 'leaving') {
      this.events.emit('answered', answered);
      return this.bye();
    }
    const problem = this.acceptedMedia(message);
    if (problem !== undefined) {
      this.state = 'leaving';
      dialog.bye((status) => this.gone(status), 'SIP;cause=488;text="Not Acceptable Here"');
      this.events.emit('fault', { reason: 'trunk_failed', detail: problem });
      return;
    }
    this.state = 'confirmed';
    dialog.startSessionTimer(termsOfAnswer(message));
    this.media.startTalking();
    this.events.emit('answered', answered);
  }

  /** What is wrong with the media of a 2xx; undefined when all is well. Without SDP what this branch said early stands. */
  private acceptedMedia(message: IncomingResponseMessage): string | undefined {
    if (this.early.isUpdated(message.toTag)) return undefined;
    const sdp = sdpOf(message) ?? this.early.of(message.toTag);
    if (sdp === undefined) return 'the far end answered without a session description';
    return this.early.isCurrent(message.toTag, sdp) && this.media.established ? undefined : this.applyAnswer(sdp);
  }

  private applyAnswer(sdp: string): string | undefined {
    try {
      this.media.applyAnswer(sdp);
      return undefined;
    } catch (error) {
      return `the far end's session description cannot be used: ${errorMessage(error)}`;
    }
  }

  private refused(step: Invite, message: IncomingResponseMessage, ours: string | undefined): void {
    this.stopSilenceTimer();
    const status = message.statusCode ?? 500;
    if (this.state === 'leaving') return this.gone(status);
    if (this.state !== 'inviting') return;
    const raised = status === 422 ? policyAfterTooSmall(this.timerPolicy, message) : undefined;
    if (raised || (status === 488 && this.media.insistOnSrtp())) {
      this.timerPolicy = raised ?? this.timerPolicy;
      void this.inviteTarget(step);
      return;
    }
    if (ours !== undefined || status === 503) this.context.locator.failed(step.target, ours === undefined ? retryAfterMs(message) : undefined);
    void this.take(this.attempts.ended(this.endOf(message, status, ours)));
  }

  private endOf(message: IncomingResponseMessage, sipStatus: number, ours: string | undefined): AttemptEnd<URI> {
    if (ours !== undefined) return sipStatus === 408 ? { kind: 'silent' } : { kind: this.attempt?.wasHeardOf ? 'lost' : 'unreachable', detail: ours };
    const reason = refusalReason(message.reasonPhrase || `status ${sipStatus}`, message, this.credentialsFault(sipStatus));
    if (sipStatus >= 400) return { kind: 'refused', sipStatus, reason };
    return { kind: 'redirected', sipStatus, reason, ...redirection(message.getHeaders('contact'), this.options.trunk) };
  }

  private credentialsFault(sipStatus: number): string | undefined {
    if (sipStatus !== 401 && sipStatus !== 407) return undefined;
    return this.digest ? "the trunk's username and password are not accepted" : 'the trunk has no username and password';
  }

  private cancel(): void {
    this.state = 'leaving';
    this.stopSilenceTimer();
    this.attempt?.cancel();
  }

  private bye(): void {
    this.state = 'leaving';
    this.dialog?.bye((status) => this.gone(status));
  }

  private fail(reason: 'trunk_failed' | 'worker_failed', detail: string): void {
    const wasHangingUp = this.hangingUp;
    this.gone();
    if (!wasHangingUp) this.events.emit('fault', { reason, detail });
  }

  /** Nothing is left on the wire. */
  private gone(sipStatus: number | null = null): void {
    this.stopSilenceTimer();
    if (this.state !== 'gone') {
      this.state = 'gone';
      this.context.onGone(this);
    }
    if (!this.hangingUp || this.releasedSent) return;
    this.releasedSent = true;
    this.events.emit('released', { sipStatus });
  }
}
