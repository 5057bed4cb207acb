import type { LegMediaStats } from '@dialfleet/call';
import type { HeardSpeech } from '../customer/bot-ear.js';

export type CarrierCallState = 'ringing' | 'answered' | 'ended';

/** `bot`: the platform, also when it refused a call of the customer. `carrier`: the simulator was stopped, or media or signalling failed (see `endDetail`). */
export type EndedBy = 'customer' | 'bot' | 'carrier';

/** One line of the customer, as it went out. */
export interface SaidLine {
  text: string;
  startedAtMs: number;
  /** When its last sample was sent; null while it is being spoken, or when the call ended before. */
  endedAtMs: number | null;
}

/** One call as the carrier knows it, live and afterwards. Times are epoch milliseconds. */
export interface CarrierCall {
  /** The SIP Call-ID. */
  readonly callId: string;
  /** User part of the caller's address: the caller ID. */
  readonly from: string;
  /** The dialled user part. */
  readonly to: string;
  /** The customer called, and was not called. */
  readonly placed: boolean;
  /** Name of the persona that takes or places the call. */
  readonly persona: string;
  readonly state: CarrierCallState;
  readonly invitedAtMs: number;
  readonly answeredAtMs: number | null;
  readonly endedAtMs: number | null;
  /** The final status the caller got: 200, a refusal's, 487 when the caller gave up; null before. */
  readonly sipStatus: number | null;
  readonly endedBy: EndedBy | null;
  /** What a `carrier` end was about. */
  readonly endDetail: string | null;
  readonly said: readonly SaidLine[];
  /** When the bot spoke, by the energy of its audio. */
  readonly heard: readonly HeardSpeech[];
  /** Keys the bot pressed. */
  readonly dtmf: string;
  /** Stereo WAV: bot left (what the carrier receives), customer right. Complete when the call has `ended`; null then if it was never answered. */
  readonly recordingPath: string | null;
  /** After the end of an answered call. */
  readonly media: LegMediaStats | null;
}

export interface CarrierEvents {
  /** An INVITE was taken: the phone rings, or is about to be refused. Or a customer calls. */
  call: CarrierCall;
  /** A call that a customer placed is on its way: 100 to 199. */
  ringing: { call: CarrierCall; sipStatus: number };
  answered: CarrierCall;
  /** The customer begins a line. */
  said: { call: CarrierCall; line: SaidLine };
  /** The bot's utterance is over. */
  heard: { call: CarrierCall; speech: HeardSpeech };
  dtmf: { call: CarrierCall; digit: string };
  /** The bot handed the customer over with REFER, and the carrier connects them. */
  referred: { call: CarrierCall; target: string };
  ended: CarrierCall;
  /** An INVITE without valid credentials was turned away. */
  unauthorised: { callId: string; from: string; to: string; verdict: 'challenged' | 'stale' | 'refused' };
}
