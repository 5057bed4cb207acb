import type { TransferOutcome } from '@dialfleet/call';
import type { Clock } from '@dialfleet/kit';
import type { IncomingRequest } from 'sip.js/lib/core/messages/incoming-request.js';
import type { Session } from 'sip.js/lib/core/session/session.js';
import { safeUser } from '../message/header-safety.js';
import { referLimitMs, referSent, referStep, type ReferInput, type ReferState } from './refer-progress.js';

const DEFAULT_PORT = 5060;

/** One REFER of ours (RFC 3515): asks the far end to call `target` instead of us, and follows what becomes of it. */
export class OutgoingRefer {
  readonly outcome: Promise<TransferOutcome>;
  private settle: (outcome: TransferOutcome) => void = () => undefined;
  private state: ReferState = referSent;
  private cancelLimit: () => void = () => undefined;

  /** `onLost`: the far end does not know the dialog any more (481). */
  constructor(private readonly session: Session, private readonly clock: Clock, private readonly progress: (sipStatus: number) => void,
    private readonly onLost: (detail: string) => void) {
    this.outcome = new Promise((resolve) => { this.settle = resolve; });
  }

  /** Throws UnsafeSipValueError when `target` is no SIP user part. */
  send(target: string, contactHeader: string, dialledPort?: number): void {
    const { session } = this;
    const refused = ({ message }: { message: { statusCode?: number; reasonPhrase?: string } }): void => {
      const sipStatus = message.statusCode ?? 500;
      this.input({ type: 'refused', sipStatus, reason: `REFER was refused: ${sipStatus} ${message.reasonPhrase ?? ''}`.trimEnd() });
      if (sipStatus === 481) this.onLost('the far end does not know the call any more (481 to REFER)');
    };
    const extraHeaders = [`Refer-To: <${referTo(session, target, dialledPort)}>`, `Referred-By: <${session.localURI}>`, contactHeader];
    session.refer({ onAccept: () => this.input({ type: 'accepted' }), onRedirect: refused, onReject: refused }, { extraHeaders });
    if (this.state === referSent) this.limit();
  }

  notified(request: IncomingRequest): void {
    const { message } = request;
    request.accept();
    const terminated = /^\s*terminated\b/i.test(message.getHeader('subscription-state') ?? '');
    this.input({ type: 'notified', sipStatus: sipfragStatus(message.getHeader('content-type'), message.body), terminated });
  }

  /** The far end sent BYE. */
  left(): void { this.input({ type: 'left' }); }

  /** The call ends: nothing is awaited any more. */
  giveUp(): void { this.input({ type: 'timedOut' }); }

  private input(input: ReferInput): void {
    const { state, progress, outcome } = referStep(this.state, input);
    this.cancelLimit();
    this.state = state;
    if (progress !== undefined) this.progress(progress);
    if (outcome) this.settle(outcome);
    else if (state.phase !== 'over') this.limit();
  }

  private limit(): void { this.cancelLimit = this.clock.after(referLimitMs(this.state), () => this.input({ type: 'timedOut' })); }
}

/** The target as the far end of this dialog would dial it: its host is the one we called, or the caller's. */
function referTo(session: Session, target: string, dialledPort: number | undefined): string {
  const { host, port = dialledPort === DEFAULT_PORT ? undefined : dialledPort } = session.remoteURI;
  return `sip:${escapeUser(safeUser(target, 'transfer target'))}@${host}${port ? `:${port}` : ''}`;
}

/** `?` would begin URI headers, `;` and `#` are better escaped than trusted to every parser. */
const escapeUser = (user: string): string => user.replace(/[?;#&=$,/]/g, (character) => encodeURIComponent(character));

/** The status of the first line of a message/sipfrag (RFC 3420). */
export function sipfragStatus(contentType: string | undefined, body: string): number | undefined {
  if (!/^message\/sipfrag\b/i.test(contentType ?? '')) return undefined;
  const status = /^\s*SIP\/2\.0[ \t]+([1-6]\d{2})\b/.exec(body)?.[1];
  return status === undefined ? undefined : Number(status);
}
