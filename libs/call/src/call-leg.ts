import type { Emitter } from '@dialfleet/kit';
import type { FaultReason } from './call-machine.js';
import type { LadderMessage } from './sip-ladder.js';

/** Linear PCM, 16 bit signed, mono, 8 kHz throughout the pipeline. */
export const PIPELINE_SAMPLE_RATE_HZ = 8000;
/** One packetisation interval: 20 ms = 160 samples. */
export const FRAME_SAMPLES = 160;
export const FRAME_MS = 20;

/** How a transfer went: the far end took it over by itself, or did not want to. */
export type TransferOutcome =
  /** REFER accepted and the final NOTIFY said 2xx: the far end left us, or will with our BYE. */
  | { ok: true }
  /** `sipStatus`: of the refusal of REFER, or the last that NOTIFY told; null when the far end cannot be referred at all. */
  | { ok: false; sipStatus: number | null; reason: string };

/** What a leg reports. Times are `Clock.monotonicMs` of the worker process unless named otherwise. */
export interface LegEvents {
  /** 1xx. `earlyMedia`: an SDP came with it. */
  provisional: { sipStatus: number; earlyMedia: boolean };
  answered: { sipStatus: number };
  /** Final refusal before answer. */
  failed: { sipStatus: number; reason: string };
  /** The far end hung up after answer. */
  hungUp: { sipReason?: string };
  fault: { reason: FaultReason; detail: string };
  /** The far end confirmed our CANCEL/BYE, or it timed out: nothing is left on the wire. */
  released: { sipStatus: number | null };
  dtmf: { digit: string };
  /** One frame (160 samples) of the customer's voice, de-jittered; `offsetMs` since media opened, wall-clock aligned. */
  audio: { pcm: Int16Array; offsetMs: number };
  /** The first sample queued under `tag` has been sent. Optional: without it the moment of queueing is taken. */
  playing: { tag: string; offsetMs: number };
  /** Playout reached the end of everything queued under `tag`. */
  played: { tag: string; offsetMs: number };
  /**
   * The far end asks us to call `target` (user part of Refer-To) and to connect it (RFC 3515): only where the trunk allows it.
   * `report` tells it the status of that call; from 200 on it is the last word, and one must come.
   */
  referred: { target: string; report: (sipStatus: number) => void };
  /** A batch of the SIP messages of this call so far: at answer, and when nothing is left on the wire. */
  ladder: { messages: LadderMessage[] };
  /** The recording ended early, or could not begin: its file holds what came before, the call goes on. */
  recordingFailed: { message: string };
}

/** Audio towards the customer. Queued audio is paced out in real time by the media thread. */
export interface AudioOut {
  /** Queues PCM under a tag (one utterance). */
  play(tag: string, pcm: Int16Array): void;
  /** No more audio will come for `tag`: `played` fires when the last sample is out. */
  endOf(tag: string): void;
  /** Drops what is queued and not yet out. Resolves with how many samples of each tag were really sent. */
  clear(): Promise<Record<string, number>>;
  /** Holds playout where it is (ducking on a possible interruption); the queue is kept. */
  pause(): void;
  resume(): void;
}

/** How the leg's media went, for the result's quality fields. */
export interface LegMediaStats {
  packetsSent: number; packetsReceived: number; packetsLost: number; packetsLateOrDuplicate: number;
  /** Interarrival jitter, RFC 3550 §6.4.1, in ms. */
  jitterMs: number;
  /** Packets from a source other than the latched one: dropped. */
  packetsForeign: number;
  /** SRTP and SRTCP packets that were forged, replayed or not protected at all: dropped. */
  packetsUnauthentic?: number;
  /** From RTCP (RFC 3550 §6.4.1), null where the far end sends none: round trip, and what it lost and heard of us. */
  roundTripMs?: number | null;
  remotePacketsLost?: number | null;
  remoteJitterMs?: number | null;
  /** Estimated listening quality of what we receive, 1 to 4.5 (ITU-T G.107, from loss, delay and codec). */
  mos?: number | null;
  codec?: string;
  srtp?: boolean;
}

/**
 * One connection to a customer: a SIP dialog with RTP, or a dialler's WebSocket. The pipeline cannot tell which.
 */
export interface CallLeg {
  readonly events: Emitter<LegEvents>;
  readonly audioOut: AudioOut;
  /** Begins: sends the INVITE, or answers the dialler. Progress comes as events. */
  start(): Promise<void>;
  /** 180 Ringing to a caller, before `start()` answers. Absent: the leg places the call. */
  ring?(): void;
  /** CANCEL while ringing, BYE after answer; `released` follows, always. Calling it twice is harmless. */
  hangUp(): void;
  /** Digits towards the customer: RFC 4733, or INFO where only that was negotiated. */
  sendDtmf(digits: string): Promise<void>;
  /** Asks the far end to call `target` instead of us (blind transfer, RFC 3515). Never rejects. Absent: the leg cannot. */
  transfer?(target: string, progress?: (sipStatus: number) => void): Promise<TransferOutcome>;
  /** Starts writing both directions to a stereo WAV (customer left, bot right). Rejects when the file cannot be created. */
  record(filePath: string): Promise<void>;
  /** Frees sockets, closes the recording. Resolves with media statistics once files are closed. */
  close(): Promise<LegMediaStats>;
}
