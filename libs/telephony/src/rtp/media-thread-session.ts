import type { LegMediaStats } from '@dialfleet/call';
import { Emitter } from '@dialfleet/kit';
import type { MediaEvents, MediaSession, RemoteMedia } from '../media-session.js';
import type { Answers, Question, SessionEvent, SessionOrder } from './media-protocol.js';

/** How a session reaches its thread. */
export interface MediaChannel {
  order(session: number, order: SessionOrder, transfer?: readonly ArrayBuffer[]): void;
  ask<M extends Question['method']>(question: Question & { method: M }): Promise<Answers[M]>;
  /** The thread is gone for good. */
  isDead(): boolean;
  forget(session: number): void;
}

const NO_STATS: LegMediaStats = { packetsSent: 0, packetsReceived: 0, packetsLost: 0, packetsLateOrDuplicate: 0, jitterMs: 0, packetsForeign: 0 };

/** A session of the media thread, seen from the main thread. */
export class MediaThreadSession implements MediaSession {
  readonly events = new Emitter<MediaEvents>();
  private closing: Promise<LegMediaStats> | null = null;
  private recording = false;

  constructor(private readonly number: number, readonly local: { address: string; port: number }, private readonly channel: MediaChannel) {}

  setRemote(remote: RemoteMedia): void { this.order({ method: 'setRemote', remote }); }
  expectMedia(expected: boolean): void { this.order({ method: 'expectMedia', expected }); }
  endOf(tag: string): void { this.order({ method: 'endOf', tag }); }
  pause(): void { this.order({ method: 'pause' }); }
  resume(): void { this.order({ method: 'resume' }); }

  play(tag: string, pcm: Int16Array): void {
    // The caller keeps its array, which may be a window into a larger one: the copy is what moves.
    const copy = new Int16Array(pcm);
    this.order({ method: 'play', tag, pcm: copy }, [copy.buffer]);
  }

  clear(): Promise<Record<string, number>> { return this.channel.ask({ method: 'clear', session: this.number }); }
  sendDtmf(digits: string): Promise<void> { return this.channel.ask({ method: 'sendDtmf', session: this.number, digits }); }
  stats(): Promise<LegMediaStats> { return this.closing ?? this.channel.ask({ method: 'stats', session: this.number }); }

  async record(filePath: string): Promise<void> {
    await this.channel.ask({ method: 'record', session: this.number, filePath });
    this.recording = true;
  }

  close(): Promise<LegMediaStats> {
    this.closing ??= this.closeInThread();
    return this.closing;
  }

  /** An event from the thread. The last batch of a recording may fail while the session closes. */
  deliver(event: SessionEvent): void {
    if (!this.closing || event.name === 'recordingFailed') this.events.emit(event.name, event.payload);
  }

  /** The thread died, and this session with it. */
  lost(message: string): void {
    if (this.recording) this.deliver({ name: 'recordingFailed', payload: { message } });
    this.deliver({ name: 'lost', payload: { message } });
  }

  deliverAudio(pcm: Int16Array, offsetMs: number): void {
    if (!this.closing) this.events.emit('audio', { pcm, offsetMs });
  }

  /** With the thread gone there is nothing left to close: the recording ends with its last batch. */
  private async closeInThread(): Promise<LegMediaStats> {
    try {
      return await this.channel.ask({ method: 'closeSession', session: this.number });
    } catch (error) {
      if (this.channel.isDead()) return NO_STATS;
      throw error;
    } finally {
      this.channel.forget(this.number);
    }
  }

  private order(order: SessionOrder, transfer?: readonly ArrayBuffer[]): void {
    if (!this.closing) this.channel.order(this.number, order, transfer);
  }
}
