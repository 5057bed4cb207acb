import type { LegMediaStats } from '@dialfleet/call';
import { Emitter } from '@dialfleet/kit';
import type { MediaEvents, MediaFactory, MediaSession, RemoteMedia } from '../../media-session.js';

/** A media session without sockets that remembers what was asked of it. */
export class FakeMediaSession implements MediaSession {
  readonly events = new Emitter<MediaEvents>();
  readonly remotes: RemoteMedia[] = [];
  readonly played: string[] = [];
  readonly dtmf: string[] = [];
  expected = false;
  closed = false;
  recordedTo: string | undefined;

  constructor(readonly local: { address: string; port: number }) {}

  get remote(): RemoteMedia | undefined { return this.remotes.at(-1); }
  setRemote(remote: RemoteMedia): void { this.remotes.push(remote); }
  expectMedia(expected: boolean): void { this.expected = expected; }
  sendDtmf(digits: string): Promise<void> { this.dtmf.push(digits); return Promise.resolve(); }
  record(filePath: string): Promise<void> { this.recordedTo = filePath; return Promise.resolve(); }
  stats(): Promise<LegMediaStats> {
    return Promise.resolve({ packetsSent: 0, packetsReceived: 0, packetsLost: 0, packetsLateOrDuplicate: 0, jitterMs: 0, packetsForeign: 0 });
  }
  close(): Promise<LegMediaStats> { this.closed = true; return this.stats(); }
  play(tag: string): void { this.played.push(tag); }
  endOf(tag: string): void { this.played.push(`${tag} end`); }
  clear(): Promise<Record<string, number>> { return Promise.resolve({}); }
  pause(): void { this.played.push('pause'); }
  resume(): void { this.played.push('resume'); }
}

export class FakeMedia implements MediaFactory {
  readonly sessions: FakeMediaSession[] = [];
  private port = 20_000;

  open(): Promise<MediaSession> {
    const session = new FakeMediaSession({ address: '127.0.0.1', port: this.port });
    this.port += 2;
    this.sessions.push(session);
    return Promise.resolve(session);
  }

}
