import { randomBytes } from 'node:crypto';
import type { AudioOut, CallLeg, LegEvents, LegMediaStats, TrunkPlan } from '@dialfleet/call';
import { Emitter, errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import type { IncomingResponse } from 'sip.js/lib/core/messages/incoming-response.js';
import type { AckableIncomingResponseWithSession, OutgoingInviteRequest } from 'sip.js/lib/core/messages/methods/invite.js';
import type { UserAgentCore } from 'sip.js/lib/core/user-agent-core/user-agent-core.js';
import { URI } from 'sip.js/lib/grammar/uri.js';
import type { MediaFactory } from '../media-session.js';
import { credentialHeaders } from './call-credentials.js';
import { ALLOW_HEADER } from './capabilities.js';
import { ConfirmedDialog } from './confirmed-dialog.js';
import { DigestSession } from './digest-session.js';
import { safeHeaders, safeHost, safePort, safeText, safeUser } from './header-safety.js';
import { LegMedia } from './leg-media.js';
import { TRANSACTION_TIMEOUT_MS } from './retransmitter.js';
import { audioCodecsOf } from './sdp.js';
import { sdpBody, sdpOf } from './sip-body.js';
import type { ServerLocator, SipTarget } from './sip-target.js';
import type { TransportLayer } from './transport-layer.js';

export interface OutboundCallOptions {
  trunk: Pick<TrunkPlan, 'host' | 'port' | 'transport' | 'username' | 'password' | 'fromDomain' | 'codecs' | 'tls' | 'wsPath' | 'tcpForLargeRequests'>;
  /** User part of the request URI and of To. */
  dialUser: string;
  /** User part of From. */
  fromNumber: string;
  /** Further header fields of the INVITE. */
  headers?: Readonly<Record<string, string>>;
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
}

/**
 * ```
 * idle ─▶ starting ─▶ inviting ─▶ confirmed ─▶ gone
 *   │        │           │            │
 *   └────────┴───────▶ leaving ◀──────┘        (hangUp: CANCEL or BYE is on its way)
 *                        └─────▶ gone
 * ```
 */
type State = 'idle' | 'starting' | 'inviting' | 'confirmed' | 'leaving' | 'gone';



/** A call that we place: one INVITE transaction (RFC 3261 §13.2) and the dialog that comes of it. */
export class OutboundLeg implements CallLeg {
  readonly events = new Emitter<LegEvents>();
  readonly audioOut: AudioOut;
  readonly callId = randomBytes(15).toString('hex');
  private readonly digest: DigestSession | undefined;
  private readonly media: LegMedia;
  private readonly extraHeaders: string[];
  private state: State = 'idle';
  private hangingUp = false;
  private releasedSent = false;
  private invite: OutgoingInviteRequest | undefined;
  private proceeding = false;
  private dialog: ConfirmedDialog | undefined;
  private cancelWatchdog: (() => void) | undefined;

  /** Throws UnsafeSipValueError when a value may not stand in a SIP message. */
  constructor(private readonly options: OutboundCallOptions, private readonly context: OutboundContext) {
    const { trunk } = options;
    safeHost(trunk.host, 'trunk host');
    if (trunk.port !== undefined) safePort(trunk.port, 'trunk port');
    safeUser(options.dialUser, 'dialled user');
    safeUser(options.fromNumber, 'from number');
    if (trunk.fromDomain !== undefined) safeHost(trunk.fromDomain, 'from domain');
    this.digest = digestOf(trunk);
    this.extraHeaders = safeHeaders(options.headers ?? {});
    this.media = new LegMedia(context.media, audioCodecsOf(trunk.codecs), this.events, context.logger);
    this.audioOut = this.media.audioOut;
  }

  /** Never rejects: what goes wrong comes as `failed` or `fault`. */
  async start(): Promise<void> {
    if (this.state !== 'idle') throw new Error('a leg starts once');
    this.state = 'starting';
    this.context.onLive(this);
    try {
      await this.aim();
    } catch (error) {
      return this.fail('trunk_failed', errorMessage(error));
    }
    try {
      await this.media.open();
    } catch (error) {
      return this.fail('worker_failed', `no media session: ${errorMessage(error)}`);
    }
    if (this.hangingUp) return this.gone(null);
    try {
      this.sendInvite();
    } catch (error) {
      this.fail('trunk_failed', `INVITE could not be made: ${errorMessage(error)}`);
    }
  }

  hangUp(): void {
    if (this.hangingUp) return;
    this.hangingUp = true;
    if (this.state === 'idle' || this.state === 'gone') { queueMicrotask(() => this.gone(null)); return; }
    if (this.state === 'inviting') this.cancel();
    else if (this.state === 'confirmed') this.bye();
    // 'starting' looks at hangingUp once its host and media are there.
  }

  sendDtmf(digits: string): Promise<void> { return this.media.sendDtmf(digits); }
  record(filePath: string): Promise<void> { return this.media.record(filePath); }

  close(): Promise<LegMediaStats> {
    this.hangUp();
    return this.media.close();
  }

  /** The endpoint gives up waiting. */
  abandon(): void {
    this.destroyInvite();
    this.gone(null);
  }

  /** Only a call that is still wanted answers a challenge: the far end may send one after our CANCEL. */
  get authentication(): DigestSession | undefined { return !this.hangingUp || this.dialog ? this.digest : undefined; }

  /** A 101–199 without a To tag or Contact; see MessageIntake. */
  informalProgress(sipStatus: number): void { this.progressed(sipStatus, undefined); }

  /** Finds the trunk's server: everything of this call goes there. */
  private async aim(): Promise<void> {
    const { locator, transport } = this.context;
    const { host, port, transport: name, tls, wsPath, tcpForLargeRequests } = this.options.trunk;
    const [target] = await locator.locate({ host, port, transport: name, tls, wsPath });
    transport.aim(this.callId, target, { tcpForLargeRequests });
  }

  private sendInvite(): void {
    const { core, localHost, contactHeader } = this.context;
    const { trunk, dialUser, fromNumber } = this.options;
    const target = new URI('sip', dialUser, uriHost(trunk.host), trunk.port, trunk.transport === 'udp' ? {} : { transport: trunk.transport });
    const from = new URI('sip', fromNumber, uriHost(trunk.fromDomain ?? localHost));
    const to = new URI('sip', dialUser, uriHost(trunk.host));
    const request = core.makeOutgoingRequestMessage('INVITE', target, from, to, { callId: this.callId },
      [...this.extraHeaders, contactHeader, ALLOW_HEADER], sdpBody(this.media.createOffer()));
    this.state = 'inviting';
    this.invite = core.invite(request, {
      onTrying: ({ message }) => this.progressed(message.statusCode ?? 100, undefined),
      onProgress: ({ message }) => this.progressed(message.statusCode ?? 180, sdpOf(message)),
      onAccept: (response) => this.accepted(response),
      onRedirect: (response) => this.refused(response),
      onReject: (response) => this.refused(response),
    });
  }

  private progressed(sipStatus: number, sdp: string | undefined): void {
    if (this.state === 'leaving' && !this.proceeding) this.watchCancel();
    this.proceeding = true;
    if (this.state !== 'inviting') return;
    const earlyMedia = sdp !== undefined && this.applyAnswer(sdp) === undefined;
    this.events.emit('provisional', { sipStatus, earlyMedia });
  }

  private accepted(response: AckableIncomingResponseWithSession): void {
    response.ack({ extraHeaders: this.invite ? credentialHeaders(this.invite.message) : [] });
    // A forked INVITE may be answered twice: the first has the call (RFC 3261 §13.2.2.4).
    if (this.dialog || this.state === 'gone') { response.session.bye(); return; }
    const dialog = new ConfirmedDialog(response.session, { ...this.context, media: this.media, events: this.events }, () => this.gone());
    this.dialog = dialog;
    this.stopWatchdog();
    if (this.state === 'leaving') {
      this.events.emit('answered', { sipStatus: response.message.statusCode ?? 200 });
      return this.bye();
    }
    const problem = this.acceptedMedia(sdpOf(response.message));
    if (problem !== undefined) {
      this.state = 'leaving';
      dialog.bye((status) => this.gone(status), 'SIP;cause=488;text="Not Acceptable Here"');
      this.events.emit('fault', { reason: 'trunk_failed', detail: problem });
      return;
    }
    this.state = 'confirmed';
    this.media.startTalking();
    this.events.emit('answered', { sipStatus: response.message.statusCode ?? 200 });
  }

  /** What is wrong with the media of a 2xx; undefined when all is well. Without SDP an earlier 183's stands. */
  private acceptedMedia(sdp: string | undefined): string | undefined {
    if (sdp === undefined) return this.media.established ? undefined : 'the far end answered without a session description';
    return this.applyAnswer(sdp);
  }

  private applyAnswer(sdp: string): string | undefined {
    try {
      this.media.applyAnswer(sdp);
      return undefined;
    } catch (error) {
      return `the far end's session description cannot be used: ${errorMessage(error)}`;
    }
  }

  private refused({ message }: IncomingResponse): void {
    const status = message.statusCode ?? 500;
    if (this.state === 'leaving') return this.gone(status);
    if (this.state !== 'inviting') return;
    // A message that sip.js made up itself has no text: its timer B ran out, or the transport failed (RFC 3261 §8.1.3.1).
    const ours = message.data === undefined;
    const reason = this.transportError() ?? (ours && status === 408 ? 'the trunk does not respond' : message.reasonPhrase || `status ${status}`);
    this.gone();
    this.events.emit('failed', { sipStatus: status, reason });
  }

  /** Why our own 503 came about, when it did. */
  private transportError(): string | undefined {
    const branch = this.invite?.message.branch;
    return branch === undefined ? undefined : this.context.transport.takeSendError(branch);
  }

  /** sip.js waits for a provisional response before the CANCEL leaves (RFC 3261 §9.1); without one timer B ends it all. */
  private cancel(): void {
    this.state = 'leaving';
    this.invite?.cancel();
    if (this.proceeding) this.watchCancel();
  }

  /** No timer runs in Proceeding: a far end that never sends its 487 would hold the call for ever (RFC 3261 §9.1). */
  private watchCancel(): void {
    this.cancelWatchdog ??= this.context.clock.after(TRANSACTION_TIMEOUT_MS, () => {
      this.destroyInvite();
      this.gone(487);
    });
  }

  private destroyInvite(): void {
    const { invite } = this;
    const branch = invite?.message.branch;
    if (!invite || branch === undefined || this.dialog) return;
    invite.dispose();
    this.context.core.userAgentClients.delete(`${branch}INVITE`);
    this.context.transport.retransmitter.forgetInvite(branch);
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
    this.stopWatchdog();
    if (this.state !== 'gone') {
      this.state = 'gone';
      this.context.transport.release(this.callId);
      this.context.onGone(this);
    }
    if (!this.hangingUp || this.releasedSent) return;
    this.releasedSent = true;
    this.events.emit('released', { sipStatus });
  }

  private stopWatchdog(): void {
    this.cancelWatchdog?.();
    this.cancelWatchdog = undefined;
  }
}

function digestOf(trunk: OutboundCallOptions['trunk']): DigestSession | undefined {
  if (!trunk.username || trunk.password === undefined) return undefined;
  return new DigestSession({ username: safeText(trunk.username, 'trunk username'), password: safeText(trunk.password, 'trunk password') });
}

/** IPv6 addresses stand in brackets in a URI. */
export const uriHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);
