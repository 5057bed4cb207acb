import type { TransferListItem, Worker } from 'node:worker_threads';
import { backoffMs, Emitter, errorMessage, Fault, sleep, type Clock, type Logger } from '@dialfleet/kit';
import type { FromSpeechThread, SpeechJobKind, SpeechJobs, SpeechRole, ToSpeechThread, VadAnswers } from './speech-protocol.js';

const RESTART_BASE_MS = 500;
const RESTART_CAP_MS = 5_000;
/** A thread that lived this long starts its back-off anew. */
const HEALTHY_MS = 60_000;
const JOB_TIMEOUT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 5_000;

export interface SpeechThreadOptions {
  role: SpeechRole;
  start: () => Worker;
  clock: Clock;
  logger: Logger;
  random?: () => number;
}

export interface SpeechThreadEvents {
  vadAnswers: VadAnswers;
  crashed: Fault;
}

interface PendingJob { resolve: (output: never) => void; reject: (error: unknown) => void }

/**
 * Owns one worker thread: starts it on first use, matches replies to requests, and when it dies fails what it was
 * doing with a retryable Fault and starts a new one (after a back-off) for what comes later.
 *
 *     idle ──use──▶ running ──exit──▶ down ──use, after the back-off──▶ running
 *                      └────────────close()───────────▶ closed ◀──────────┘
 */
export class SpeechThread {
  readonly events = new Emitter<SpeechThreadEvents>();
  private worker: Worker | undefined;
  private readonly jobs = new Map<number, PendingJob>();
  private nextJobId = 1;
  private crashes = 0;
  private startedMs = 0;
  private notBeforeMs = 0;
  private closed = false;

  constructor(private readonly options: SpeechThreadOptions) {}

  /** Rejects with the signal's reason when aborted, with a Fault when the job or the thread failed. */
  async request<K extends SpeechJobKind>(kind: K, input: SpeechJobs[K]['input'], options: { signal?: AbortSignal; transfer?: TransferListItem[] } = {}): Promise<SpeechJobs[K]['output']> {
    const worker = await this.running(options.signal);
    const id = this.nextJobId++;
    return new Promise((resolve, reject) => {
      const cancel = (): void => { worker.postMessage({ type: 'cancel', id } satisfies ToSpeechThread); settle(() => reject(options.signal?.reason)); };
      const cancelTimer = this.options.clock.after(JOB_TIMEOUT_MS, () => { void worker.terminate(); });
      const settle = (finish: () => void): void => {
        this.jobs.delete(id);
        cancelTimer();
        options.signal?.removeEventListener('abort', cancel);
        finish();
      };
      this.jobs.set(id, { resolve: (output: SpeechJobs[K]['output']) => settle(() => resolve(output)), reject: (error) => settle(() => reject(error)) });
      options.signal?.addEventListener('abort', cancel, { once: true });
      worker.postMessage({ type: 'job', id, kind, input } as ToSpeechThread, options.transfer);
    });
  }

  /** Sends without an answer. False: the thread is down (it starts again when its back-off is over) and nothing was sent. */
  post(message: ToSpeechThread, transfer?: TransferListItem[]): boolean {
    if (this.closed) return false;
    if (!this.worker && this.options.clock.monotonicMs() < this.notBeforeMs) return false;
    (this.worker ?? this.start()).postMessage(message, transfer);
    return true;
  }

  /** Lets running work finish, for a while, and ends the thread. Later requests fail. */
  async close(): Promise<void> {
    this.closed = true;
    const { worker } = this;
    if (!worker) return;
    const exited = new Promise<void>((resolve) => { worker.once('exit', () => resolve()); });
    worker.postMessage({ type: 'close' } satisfies ToSpeechThread);
    const cancelTimer = this.options.clock.after(CLOSE_TIMEOUT_MS, () => { void worker.terminate(); });
    await exited;
    cancelTimer();
  }

  private async running(signal?: AbortSignal): Promise<Worker> {
    signal?.throwIfAborted();
    const waitMs = this.worker ? 0 : this.notBeforeMs - this.options.clock.monotonicMs();
    if (waitMs > 0) await Promise.race([sleep(this.options.clock, waitMs), aborted(signal)]);
    signal?.throwIfAborted();
    if (this.closed) throw new Fault(`the ${this.options.role} thread is closed`, false);
    return this.worker ?? this.start();
  }

  private start(): Worker {
    const worker = this.options.start();
    let cause: unknown;
    this.worker = worker;
    this.startedMs = this.options.clock.monotonicMs();
    worker.on('message', (message: FromSpeechThread) => this.receive(message));
    worker.on('error', (error) => { cause = error; });
    worker.on('exit', (code) => this.onExit(code, cause));
    return worker;
  }

  private receive(message: FromSpeechThread): void {
    if (message.type === 'vadAnswers') { this.events.emit('vadAnswers', message); return; }
    const job = this.jobs.get(message.id);
    if (message.type === 'done') job?.resolve(message.output as never);
    else job?.reject(new Fault(`${this.options.role}: ${message.message}`, true));
  }

  private onExit(code: number, cause: unknown): void {
    const { clock, logger, role, random } = this.options;
    this.worker = undefined;
    const fault = new Fault(`the ${role} thread ended (${cause === undefined ? `exit code ${code}` : errorMessage(cause)})`, true, { cause });
    for (const job of [...this.jobs.values()]) job.reject(fault);
    if (this.closed) return;
    this.crashes = clock.monotonicMs() - this.startedMs > HEALTHY_MS ? 0 : this.crashes + 1;
    const delayMs = backoffMs(this.crashes, RESTART_BASE_MS, RESTART_CAP_MS, random);
    this.notBeforeMs = clock.monotonicMs() + delayMs;
    logger.error('speech thread crashed', { role, exitCode: code, error: fault.message, restartNotBeforeMs: delayMs });
    this.events.emit('crashed', fault);
  }
}

const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => { signal?.addEventListener('abort', () => resolve(), { once: true }); });
