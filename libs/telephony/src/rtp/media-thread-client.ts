import { Worker } from 'node:worker_threads';
import { type Clock, Emitter, errorMessage, Fault, type Logger } from '@dialfleet/kit';
import { FRAME_SAMPLES, type PacingReport } from '@dialfleet/media';
import type { MediaFactory, MediaOpening, MediaSession } from '../media-session.js';
import type { Answers, FromMediaThread, MediaThreadData, Question, SessionOrder, ToMediaThread } from './media-protocol.js';
import { type MediaChannel, MediaThreadSession } from './media-thread-session.js';
import type { RtpEngineOptions } from './rtp-engine.js';

export interface MediaThreadOptions extends RtpEngineOptions {
  /** The compiled entry of the thread; by default the one beside this file. */
  workerUrl?: URL;
}

export interface MediaThreadEvents {
  /** The thread died: its sessions are lost, none can be opened. */
  crashed: { error: Error };
}

/** The media thread is gone. */
export class MediaThreadCrashedError extends Fault {}

interface Pending { resolve: (value: never) => void; reject: (error: Error) => void }

const START_TIMEOUT_MS = 15_000;
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * An RTP engine in a thread of its own, so that a busy main thread delays no packet. The thread keeps the system's time;
 * `clock` here only bounds its start and stop.
 *
 * Should the thread die, `crashed` fires, every session reports that it is `lost` and that its recording ended, and what
 * is asked of them rejects with MediaThreadCrashedError (`close` resolves).
 */
export class MediaThread implements MediaFactory {
  readonly events = new Emitter<MediaThreadEvents>();
  private readonly sessions = new Map<number, MediaThreadSession>();
  private readonly pending = new Map<number, Pending>();
  private readonly exited: Promise<void>;
  private lastRequest = 0;
  private death: Error | null = null;
  private closing: Promise<void> | null = null;
  private readonly channel: MediaChannel;

  private constructor(private readonly worker: Worker, private readonly clock: Clock, private readonly logger: Logger) {
    this.channel = {
      order: (session, order, transfer) => this.order(session, order, transfer),
      ask: this.ask,
      isDead: () => this.death !== null,
      forget: (session) => { this.sessions.delete(session); },
    };
    worker.on('message', (message: FromMediaThread) => this.receive(message));
    worker.on('error', (error) => this.die(error));
    this.exited = new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.die(new MediaThreadCrashedError(`the media thread exited with code ${code}`, false));
        resolve();
      });
    });
  }

  /** Resolves when the thread can open sessions; rejects when it cannot start (wrong options, missing file). */
  static async start({ workerUrl, clock, logger, ...engine }: MediaThreadOptions): Promise<MediaThread> {
    const workerData: MediaThreadData = { engine };
    const worker = new Worker(workerUrl ?? new URL('./media.worker.js', import.meta.url), { workerData, name: 'media' });
    const thread = new MediaThread(worker, clock, logger);
    await thread.ready();
    return thread;
  }

  async open(opening: MediaOpening = {}): Promise<MediaSession> {
    const { session: number, local } = await this.ask({ method: 'open', opening });
    const session = new MediaThreadSession(number, local, this.channel);
    this.sessions.set(number, session);
    return session;
  }

  /** How well the thread kept time. */
  pacing(): Promise<PacingReport> { return this.ask({ method: 'pacing' }); }

  /** Closes every session, completes their recordings and ends the thread. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = this.clock.after(START_TIMEOUT_MS, () => {
        void this.worker.terminate();
        reject(new Fault('the media thread did not start in time', true));
      });
      this.pending.set(0, { resolve: () => { giveUp(); resolve(); }, reject: (error) => { giveUp(); reject(error); } });
    });
  }

  private async shutDown(): Promise<void> {
    if (this.death) return this.exited;
    this.post({ type: 'shutDown' });
    const cancel = this.clock.after(CLOSE_TIMEOUT_MS, () => { void this.worker.terminate(); });
    await this.exited;
    cancel();
  }

  private order(session: number, order: SessionOrder, transfer?: readonly ArrayBuffer[]): void {
    if (!this.death) this.post({ type: 'order', session, order }, transfer);
  }

  private readonly ask = <M extends Question['method']>(question: Question & { method: M }): Promise<Answers[M]> => new Promise((resolve, reject) => {
    if (this.death) throw new MediaThreadCrashedError('the media thread is gone', false, { cause: this.death });
    const request = ++this.lastRequest;
    this.pending.set(request, { resolve, reject });
    this.post({ type: 'question', request, question });
  });

  private post(message: ToMediaThread, transfer?: readonly ArrayBuffer[]): void { this.worker.postMessage(message, transfer); }

  private receive(message: FromMediaThread): void {
    switch (message.type) {
      case 'ready': return this.settle(0, ({ resolve }) => resolve(undefined as never));
      case 'answer': return this.settle(message.request, ({ resolve }) => resolve(message.value as never));
      case 'refusal': return this.settle(message.request, ({ reject }) => reject(new Fault(message.message, message.retryable)));
      case 'event': return this.sessions.get(message.session)?.deliver(message.event);
      case 'audio': return this.deliverAudio(message.sessions, message.offsetsMs, message.pcm);
      case 'log': return this.logger[message.level](message.message, message.fields);
    }
  }

  private settle(request: number, how: (pending: Pending) => void): void {
    const pending = this.pending.get(request);
    this.pending.delete(request);
    if (pending) how(pending);
  }

  private deliverAudio(sessions: readonly number[], offsetsMs: readonly number[], pcm: Int16Array): void {
    sessions.forEach((number, i) => {
      this.sessions.get(number)?.deliverAudio(pcm.slice(i * FRAME_SAMPLES, (i + 1) * FRAME_SAMPLES), offsetsMs[i]);
    });
  }

  /** Called for every end of the thread, wanted or not; the first reason counts. */
  private die(error: unknown): void {
    if (this.death) return;
    this.death = error instanceof Error ? error : new Error(errorMessage(error));
    for (const { reject } of this.pending.values()) reject(new MediaThreadCrashedError(this.death.message, false, { cause: this.death }));
    this.pending.clear();
    if (this.closing) return;
    this.logger.error('media thread died', { error: this.death });
    this.events.emit('crashed', { error: this.death });
    for (const session of [...this.sessions.values()]) session.lost(`the media thread died: ${this.death.message}`);
  }
}
