import type { AudioOut, LegMediaStats } from '@dialfleet/call';
import type { Emitter } from '@dialfleet/kit';
import type { AudioFormat, EventFormat, ReceiveFormats } from '@dialfleet/media';

export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export type SrtpSuite = 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32';

/** Keys of both directions as SDES gives them (RFC 4568 §6.1): base64 of a 16 byte master key and a 14 byte salt. */
export interface SrtpParameters {
  suite: SrtpSuite;
  sendKey: string;
  receiveKey: string;
  /** Master key identifier in each packet that we receive (RFC 3711 §3.1), as hexadecimal. */
  receiveMki?: string;
}

/** Where the far end wants RTCP; without it: the port above that of RTP. */
export interface RemoteRtcp {
  /** On the port of RTP (RFC 5761), both ways. */
  mux: boolean;
  /** Of `a=rtcp` (RFC 3605). */
  port?: number;
  address?: string;
}

/** Where and how to send, as negotiated by SDP offer/answer (RFC 3264). */
export interface RemoteMedia {
  address: string;
  /** 0: the far end rejected or holds the stream. */
  port: number;
  direction: MediaDirection;
  /** Absent: plain RTP. */
  srtp?: SrtpParameters;
  rtcp?: RemoteRtcp;
  /** What we send, under the far end's payload type; its name is in the codec registry. */
  codec: AudioFormat;
  /** RFC 4733, when negotiated: what we send. */
  telephoneEvent?: EventFormat;
  /** How much audio the far end wants in a packet; default 20. */
  ptimeMs?: number;
  /** What may arrive, under the payload types that we gave; default: the same as we send. */
  receive?: ReceiveFormats;
}

export interface MediaEvents {
  /** One 20 ms frame (160 samples at 8 kHz) out of the jitter buffer; `offsetMs` from the session's opening. */
  audio: { pcm: Int16Array; offsetMs: number };
  /** The first sample queued under `tag` has been sent; `offsetMs` as for `audio`. */
  playing: { tag: string; offsetMs: number };
  /** The last sample queued under `tag` before `endOf(tag)` has been sent. */
  played: { tag: string; offsetMs: number };
  /** An RFC 4733 digit, once per key press. */
  dtmf: { digit: string };
  /** The first valid packet since the session was opened. */
  firstPacket: { offsetMs: number };
  /** Nothing received for the media time-out (30 s before the first packet, 15 s after) while we expect media. */
  timeout: { silentMs: number };
  /** The recording ended early (disk full, too slow): the file holds what came before. */
  recordingFailed: { message: string };
  /** The media thread died, and the session with it: nothing is sent or heard any more. */
  lost: { message: string };
}

/** One RTP session: a socket (and its RTCP port), a jitter buffer, playout on the 20 ms wheel, and the recorder. */
export interface MediaSession extends AudioOut {
  readonly local: { address: string; port: number };
  readonly events: Emitter<MediaEvents>;
  /** From the first call on, packets flow. Called again on early media, the final answer and re-INVITE. */
  setRemote(remote: RemoteMedia): void;
  /** Whether audio is expected and media time-outs count (false while ringing without early media, or on hold). */
  expectMedia(expected: boolean): void;
  /** RFC 4733; resolves when the last digit has been sent. Rejects when telephone-event was not negotiated. */
  sendDtmf(digits: string): Promise<void>;
  /** Stereo WAV, customer left, bot right, wall-clock aligned from now on. */
  record(filePath: string): Promise<void>;
  stats(): Promise<LegMediaStats>;
  /** Closes socket and recording; resolves when the file is complete. */
  close(): Promise<LegMediaStats>;
}

export interface MediaOpening { family?: 4 | 6 }

/** Opens sessions: the in-process engine (carrier-sim, tests) or its proxy in front of the media worker thread (worker). */
export interface MediaFactory {
  /** `family`: of the address that the description will name; default: what the factory was set up for. */
  open(options?: MediaOpening): Promise<MediaSession>;
}
