import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CodecName } from '@dialfleet/call';
import { Emitter, silentLogger, systemClock, type Clock, type Logger } from '@dialfleet/kit';
import { DEFAULT_CODECS, RtpEngine, SipEndpoint, type IncomingCall } from '@dialfleet/telephony';
import { DigestGate, type GateCredentials } from '../auth/digest-gate.js';
import { fliteVoice, type CustomerVoice } from '../speech/customer-voice.js';
import { LineLibrary, type PreparationProgress } from '../speech/line-library.js';
import type { CarrierCall, CarrierEvents } from './carrier-call.js';
import { PersonaBook, type PersonaChoice } from './persona-book.js';
import { loadPersona, type PersonaSource } from '../persona/persona-source.js';
import { PlacedCall } from './placed-call.js';
import { parseSipAddress } from './sip-address.js';
import { TakenCall } from './taken-call.js';

export interface CarrierSimOptions {
  /** Default `udp`. */
  transport?: 'udp' | 'tcp';
  /** Address of SIP and RTP; default 127.0.0.1. */
  host?: string;
  /** SIP port; default 0, any free one. */
  port?: number;
  /** What callers reach SIP and RTP at; needed when `host` is a wildcard. */
  advertisedAddress?: string;
  /** RTP ports, even ones with their odd neighbours; default: any free ones. */
  rtpPorts?: { min: number; max: number };
  /** What the carrier speaks, in its order of preference; default PCMU, PCMA. */
  codecs?: readonly CodecName[];
  personas?: PersonaChoice;
  /** Callers must authenticate (401). */
  auth?: GateCredentials;
  /** Hands customers over when the bot asks with REFER; default: refuses it (603). */
  takesRefer?: boolean;
  /** Every answered call is recorded here; created when missing. */
  recordDir?: string;
  /** How many calls `calls` keeps; live ones always. Default 10,000. */
  keepCalls?: number;
  /** Tells how far the synthesis of the customers' lines is, before the carrier takes calls. */
  onProgress?: (progress: PreparationProgress) => void;
  /** Default: flite in a thread of its own. */
  voice?: CustomerVoice;
  logger?: Logger;
  clock?: Clock;
}

export interface DialOptions {
  /** Whom to call: `sip:+14155550100@127.0.0.1:5060`. */
  to: string;
  /** The caller's number (user part of From); default `+14155550123`. `anonymous` withholds it. */
  from?: string;
  /** Who calls; default `callback`. How it picks up does not matter. */
  persona?: PersonaSource;
  /** Where the called side asks for credentials. */
  username?: string;
  password?: string;
  /** Further header fields of the INVITE. */
  headers?: Readonly<Record<string, string>>;
}

/** A call that a customer placed. */
export interface CustomerCall {
  /** Plain data that goes on changing while the call lasts. */
  readonly record: CarrierCall;
  /** Resolves when the call has ended and its recording is complete. */
  readonly finished: Promise<void>;
  /** CANCEL while it rings, BYE after the answer. */
  hangUp(): void;
}

const DEFAULT_CALLER = '+14155550123';

/** A SIP carrier whose customers follow scripts: they take calls, and place some. */
export class CarrierSim {
  private readonly events = new Emitter<CarrierEvents>();
  private readonly records: CarrierCall[] = [];
  private readonly live = new Set<TakenCall | PlacedCall>();
  private stopping: Promise<void> | undefined;

  private constructor(private readonly options: CarrierSimOptions, private readonly parts: CarrierParts) {
    parts.sip.onInvite((incoming) => this.invited(incoming));
  }

  /**
   * Prepares the customers' lines, then takes calls.
   *
   * @throws PersonaError when a persona is not valid; the system's error when the port is taken
   */
  static async start(options: CarrierSimOptions = {}): Promise<CarrierSim> {
    const { logger = silentLogger, clock = systemClock, transport = 'udp', host = '127.0.0.1', port = 0 } = options;
    const book = new PersonaBook(options.personas ?? {});
    if (options.recordDir !== undefined) mkdirSync(options.recordDir, { recursive: true });
    const voice = options.voice ?? fliteVoice({ logger });
    const address = { bindAddress: host, ...(options.advertisedAddress === undefined ? {} : { advertisedAddress: options.advertisedAddress }) };
    const open: { close(): Promise<unknown> }[] = [voice];
    try {
      const media = new RtpEngine({ ...address, ...(options.rtpPorts ? { portRange: options.rtpPorts } : {}), clock, logger });
      open.push(media);
      const sip = await SipEndpoint.start({ transport, ...address, port, userAgent: 'Dialfleet-CarrierSim', media, clock, logger, codecs: options.codecs ?? DEFAULT_CODECS });
      open.push({ close: () => sip.stop() });
      const lines = new LineLibrary(voice);
      const carrier = new CarrierSim(options, { sip, media, voice, lines, book, clock, logger, gate: options.auth && new DigestGate(options.auth) });
      await lines.prepare(book.expected, options.onProgress);
      return carrier;
    } catch (error) {
      await Promise.all(open.map((part) => part.close()));
      throw error;
    }
  }

  /** The bound SIP port. */
  get port(): number { return this.parts.sip.port; }

  /** Live and past calls, oldest first. */
  get calls(): readonly CarrierCall[] { return this.records; }

  /** Returns the function that stops listening. */
  on<K extends keyof CarrierEvents>(event: K, listener: (payload: CarrierEvents[K]) => void): () => void {
    return this.events.on(event, listener);
  }

  /** The next event that `matches`. */
  next<K extends keyof CarrierEvents>(event: K, matches: (payload: CarrierEvents[K]) => boolean = () => true): Promise<CarrierEvents[K]> {
    return new Promise((resolve) => {
      const stop = this.on(event, (payload) => {
        if (!matches(payload)) return;
        stop();
        resolve(payload);
      });
    });
  }

  /**
   * A customer calls.
   *
   * @throws PersonaError; Error when `to` is no SIP address or a value may not stand in a SIP message
   */
  dial({ to, from = DEFAULT_CALLER, persona: source = 'callback', username, password, headers }: DialOptions): CustomerCall {
    if (this.stopping) throw new Error('the carrier is stopping');
    const { sip, lines, clock, logger } = this.parts;
    const persona = loadPersona(source);
    const { user, host, port, transport = this.options.transport ?? 'udp' } = parseSipAddress(to);
    const leg = sip.createCall({
      trunk: { host, port: port ?? 5060, transport, username, password, codecs: [...(this.options.codecs ?? DEFAULT_CODECS)], ...(from === 'anonymous' ? { fromDomain: 'anonymous.invalid' } : {}) },
      dialUser: user, fromNumber: from, ...(headers ? { headers } : {}),
    });
    const call = new PlacedCall({
      leg, from, to: user, persona, lines, clock, logger, events: this.events, recordingPath: this.recordingPathOf({ callId: `${from}to${user}` }, persona.name),
    });
    this.keep(call);
    void call.place();
    return call;
  }

  /** Hangs up every call, finishes the recordings, frees the ports. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  private async shutDown(): Promise<void> {
    const { sip, media, voice } = this.parts;
    for (const call of this.live) call.hangUp();
    await Promise.all([...this.live].map((call) => call.finished));
    await sip.stop();
    await Promise.all([media.close(), voice.close()]);
  }

  private async invited(incoming: IncomingCall): Promise<void> {
    if (this.stopping) return incoming.reject(503);
    if (!this.isAllowed(incoming)) return;
    const { book, lines, clock, logger } = this.parts;
    const persona = book.personaFor(incoming.toUser);
    const call = new TakenCall({ incoming, persona, takesRefer: this.options.takesRefer ?? false, lines, clock, logger, events: this.events, recordingPath: this.recordingPathOf(incoming, persona.name) });
    this.keep(call);
    await call.take();
  }

  /** Without credentials, or with old ones: asks for them. With wrong ones: no. */
  private isAllowed(incoming: IncomingCall): boolean {
    const { gate, clock } = this.parts;
    if (!gate) return true;
    const { authorization } = incoming.headers;
    const judged = authorization === undefined ? 'challenged' : gate.judge(authorization, 'INVITE', clock.nowMs());
    if (judged === 'accepted') return true;
    if (judged === 'refused') incoming.reject(403);
    else incoming.challenge(gate.challenge(clock.nowMs(), judged === 'stale'));
    this.events.emit('unauthorised', { callId: incoming.callId, from: incoming.fromUser, to: incoming.toUser, verdict: judged });
    return false;
  }

  private keep(call: TakenCall | PlacedCall): void {
    this.live.add(call);
    void call.finished.then(() => this.live.delete(call));
    const { keepCalls = 10_000 } = this.options;
    if (this.records.length >= keepCalls) {
      const oldestEnded = this.records.findIndex(({ state }) => state === 'ended');
      if (oldestEnded >= 0) this.records.splice(oldestEnded, 1);
    }
    this.records.push(call.record);
  }

  private recordingPathOf({ callId }: Pick<IncomingCall, 'callId'>, persona: string): string | null {
    const { recordDir } = this.options;
    if (recordDir === undefined) return null;
    const stamp = new Date(this.parts.clock.nowMs()).toISOString().replace(/[-:]|\.\d+/g, '');
    return join(recordDir, `${stamp}-${persona}-${callId.replace(/[^A-Za-z0-9]/g, '').slice(0, 32)}.wav`);
  }
}

interface CarrierParts {
  sip: SipEndpoint;
  media: RtpEngine;
  voice: CustomerVoice;
  lines: LineLibrary;
  book: PersonaBook;
  gate: DigestGate | undefined;
  clock: Clock;
  logger: Logger;
}
