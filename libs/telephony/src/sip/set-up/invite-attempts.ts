import type { SipTransportName } from '@dialfleet/call';
import type { SipDestination, SipTarget } from '../locate/sip-target.js';

/** A request URI to invite, and whose servers take the request for it. */
export interface Invitee<Uri> { uri: Uri; destination: SipDestination }

/** How an INVITE ended without a call. */
export type AttemptEnd<Uri> =
  /** No response at all. */
  | { kind: 'silent' }
  /** It never left, or its connection broke before anything came back. */
  | { kind: 'unreachable'; detail: string }
  /** Its connection broke after it had said that it works on it: a telephone may ring, and nobody else may be asked. */
  | { kind: 'lost'; detail: string }
  | { kind: 'refused'; sipStatus: number; reason: string }
  /** 3xx. `contacts` may be followed, in this order; `barred` are hosts that may not be. */
  | { kind: 'redirected'; sipStatus: number; reason: string; contacts: readonly Invitee<Uri>[]; barred: readonly string[] };

export type NextStep<Uri> =
  | { kind: 'locate'; invitee: Invitee<Uri> }
  /** `isLast`: nothing is left to try after this one. */
  | { kind: 'invite'; invitee: Invitee<Uri>; target: SipTarget; isLast: boolean }
  /** No INVITE was ever sent. */
  | { kind: 'unlocated'; detail: string }
  | { kind: 'failed'; sipStatus: number; reason: string };

export const MAX_REDIRECTIONS = 5;
const MAX_TARGETS = 12;

interface Told { target: SipTarget | undefined; words: string; status: number | undefined }

/**
 * Whom to invite next: the located servers of the trunk in order (RFC 3263 §4.3), and what 3xx responses name in their
 * place (RFC 3261 §8.1.3.4). Pure; every step asks for the next with what became of the last.
 */
export class InviteAttempts<Uri extends { toString(): string }> {
  private readonly waiting: Invitee<Uri>[];
  private readonly invited = new Set<string>();
  private readonly told: Told[] = [];
  private current: Invitee<Uri> | undefined;
  private targets: SipTarget[] = [];
  private target: SipTarget | undefined;
  private redirections = 0;

  constructor(first: Invitee<Uri>) {
    this.waiting = [first];
    this.invited.add(first.uri.toString());
  }

  start(): NextStep<Uri> { return this.nextInvitee(); }

  located(targets: readonly SipTarget[]): NextStep<Uri> {
    if (targets.length === 0) return this.notLocated(`host ${this.current?.destination.host ?? ''} has no server`);
    this.targets = targets.slice(0, MAX_TARGETS);
    return this.nextTarget();
  }

  notLocated(detail: string): NextStep<Uri> {
    this.told.push({ target: undefined, words: detail, status: undefined });
    return this.nextInvitee();
  }

  ended(end: AttemptEnd<Uri>): NextStep<Uri> {
    this.told.push({ target: this.target, words: wordsOf(end), status: statusOf(end) });
    if (end.kind === 'silent' || end.kind === 'unreachable' || (end.kind === 'refused' && end.sipStatus === 503)) return this.nextTarget();
    if (end.kind === 'redirected') return this.redirected(end.contacts);
    if (end.kind === 'lost') return this.failed();
    // RFC 3261 §21.6: nobody else will do better. Any other refusal leaves the further addresses of a 3xx.
    return end.sipStatus >= 600 ? this.failed() : this.nextInvitee();
  }

  private nextTarget(): NextStep<Uri> {
    this.target = this.targets.shift();
    if (!this.target || !this.current) return this.nextInvitee();
    return { kind: 'invite', invitee: this.current, target: this.target, isLast: this.targets.length === 0 && this.waiting.length === 0 };
  }

  private nextInvitee(): NextStep<Uri> {
    this.targets = [];
    this.current = this.waiting.shift();
    return this.current ? { kind: 'locate', invitee: this.current } : this.failed();
  }

  private redirected(contacts: readonly Invitee<Uri>[]): NextStep<Uri> {
    const fresh = [...new Map(contacts.map((contact) => [contact.uri.toString(), contact])).values()].filter(({ uri }) => !this.invited.has(uri.toString())).slice(0, MAX_TARGETS);
    if (this.redirections < MAX_REDIRECTIONS && fresh.length > 0) {
      this.redirections++;
      for (const { uri } of fresh) this.invited.add(uri.toString());
      this.waiting.unshift(...fresh);
    } else if (contacts.length > 0) {
      this.told[this.told.length - 1].words += fresh.length === 0 ? ', back to where we came from' : `, after ${MAX_REDIRECTIONS} redirections`;
    }
    return this.nextInvitee();
  }

  private failed(): NextStep<Uri> {
    const answered = this.told.filter(({ status }) => status !== undefined);
    if (answered.length === 0) return { kind: 'unlocated', detail: this.told.map(({ words }) => words).join('; ') };
    // What the far end said of the call counts more than that a server of it was out of order.
    const best = answered.findLast(({ status }) => status !== 503 && status !== 408) ?? answered.findLast(({ status }) => status === 503) ?? answered[answered.length - 1];
    return { kind: 'failed', sipStatus: best.status ?? 408, reason: this.story() };
  }

  /** A plain refusal by the only one asked needs no address; anything else tells who said what. */
  private story(): string {
    const [only, ...others] = this.told;
    if (others.length === 0 && only.words.startsWith(ANSWERED)) return only.words.slice(ANSWERED.length).replace(/^\d{3} /, '');
    return this.told.map(({ target, words }) => (target ? `${nameOf(target)} ${words}` : words)).join('; ');
  }
}

const ANSWERED = 'answered ';

function wordsOf<Uri>(end: AttemptEnd<Uri>): string {
  switch (end.kind) {
    case 'silent': return 'did not respond';
    case 'unreachable': return `could not be reached (${end.detail})`;
    case 'lost': return `was lost while it worked on the call (${end.detail})`;
    case 'refused': return `${ANSWERED}${end.sipStatus} ${end.reason}`;
    case 'redirected': return `${ANSWERED}${end.sipStatus} ${end.reason}${redirection(end)}`;
  }
}

function redirection<Uri>({ contacts, barred }: Extract<AttemptEnd<Uri>, { kind: 'redirected' }>): string {
  if (contacts.length > 0) return ` to ${contacts.map(({ destination }) => destination.host).join(', ')}`;
  return barred.length === 0 ? ' without an address to go to' : ` to ${barred.join(', ')}, which is not among the trunk's redirect hosts`;
}

function statusOf<Uri>(end: AttemptEnd<Uri>): number {
  if (end.kind === 'silent') return 408;
  return end.kind === 'unreachable' || end.kind === 'lost' ? 503 : end.sipStatus;
}

const protocolNames: Record<SipTransportName, string> = { udp: 'UDP', tcp: 'TCP', tls: 'TLS', ws: 'WS', wss: 'WSS' };

/** `192.0.2.1:5060 over UDP` */
export const nameOf = ({ address, port, transport }: SipTarget): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port} over ${protocolNames[transport]}`;
