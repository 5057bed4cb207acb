import { type Clock, errorMessage, Fault, type Logger } from '@dialfleet/kit';
import { FRAME_SAMPLES } from '@dialfleet/media';
import type { MediaEvents, MediaOpening } from '../media-session.js';
import type { Answers, FromMediaThread, PostTarget, Question, SessionEvent, SessionOrder, ToMediaThread } from './media-protocol.js';
import { RtpEngine, type RtpEngineConfig } from './rtp-engine.js';
import type { RtpSession } from './rtp-session.js';

interface HeardFrame { session: number; offsetMs: number; pcm: Int16Array }

/** The media thread's side of the channel: an engine, its sessions by number, and their events on their way out. */
export class MediaThreadHost {
  private readonly engine: RtpEngine;
  private readonly sessions = new Map<number, RtpSession>();
  private lastSession = 0;
  private heard: HeardFrame[] = [];

  private readonly log: Logger;

  constructor(config: RtpEngineConfig, clock: Clock, private readonly main: PostTarget<FromMediaThread>) {
    this.log = postingLogger(main, {});
    this.engine = new RtpEngine({ ...config, clock, logger: this.log });
    main.postMessage({ type: 'ready' });
  }

  /** Resolves when the message has been dealt with. Never rejects. */
  async receive(message: Exclude<ToMediaThread, { type: 'shutDown' }>): Promise<void> {
    if (message.type === 'order') this.tryToObey(message.session, message.order);
    else await this.reply(message.request, message.question);
  }

  /** Closes every session and completes its recording. */
  close(): Promise<void> { return this.engine.close(); }

  /** An order that one call cannot carry out must not end the thread, and with it all calls. */
  private tryToObey(number: number, order: SessionOrder): void {
    try {
      this.obey(number, order);
    } catch (error) {
      this.log.error('media order failed', { method: order.method, error: errorMessage(error) });
    }
  }

  private obey(number: number, order: SessionOrder): void {
    const session = this.sessions.get(number);
    // An order may cross the closing of its session.
    if (!session) return;
    switch (order.method) {
      case 'setRemote': return session.setRemote(order.remote);
      case 'expectMedia': return session.expectMedia(order.expected);
      case 'play': return session.play(order.tag, order.pcm);
      case 'endOf': return session.endOf(order.tag);
      case 'pause': return session.pause();
      case 'resume': return session.resume();
    }
  }

  private async reply(request: number, question: Question): Promise<void> {
    try {
      this.main.postMessage({ type: 'answer', request, value: await this.answer(question) });
    } catch (error) {
      this.main.postMessage({ type: 'refusal', request, message: errorMessage(error), retryable: error instanceof Fault && error.retryable });
    }
  }

  private answer(question: Question): Promise<Answers[keyof Answers]> | Answers['pacing'] {
    switch (question.method) {
      case 'open': return this.open(question.opening);
      case 'pacing': return this.engine.pacing();
      case 'clear': return this.session(question.session).clear();
      case 'stats': return this.session(question.session).stats();
      case 'sendDtmf': return this.session(question.session).sendDtmf(question.digits);
      case 'record': return this.session(question.session).record(question.filePath);
      case 'closeSession': return this.closeSession(question.session);
    }
  }

  private session(number: number): RtpSession {
    const session = this.sessions.get(number);
    if (!session) throw new Fault('the media session is closed', false);
    return session;
  }

  private async open(opening: MediaOpening): Promise<Answers['open']> {
    const session = await this.engine.open(opening);
    const number = ++this.lastSession;
    this.sessions.set(number, session);
    session.events.on('audio', ({ pcm, offsetMs }) => this.collect({ session: number, offsetMs, pcm }));
    this.forward(number, session, 'playing');
    this.forward(number, session, 'played');
    this.forward(number, session, 'dtmf');
    this.forward(number, session, 'firstPacket');
    this.forward(number, session, 'timeout');
    this.forward(number, session, 'recordingFailed');
    return { session: number, local: session.local };
  }

  private closeSession(number: number): Promise<Answers['closeSession']> {
    const session = this.session(number);
    this.sessions.delete(number);
    return session.close();
  }

  private forward<K extends SessionEvent['name']>(number: number, session: RtpSession, name: K): void {
    session.events.on(name, (payload: MediaEvents[K]) => {
      // What was heard before the event must arrive before it.
      this.sendHeard();
      this.main.postMessage({ type: 'event', session: number, event: { name, payload } as SessionEvent });
    });
  }

  /** All frames of one turn of the wheel make one message: a microtask runs when the turn is over. */
  private collect(frame: HeardFrame): void {
    if (this.heard.length === 0) queueMicrotask(() => this.sendHeard());
    this.heard.push(frame);
  }

  private sendHeard(): void {
    const { heard } = this;
    if (heard.length === 0) return;
    this.heard = [];
    const pcm = new Int16Array(heard.length * FRAME_SAMPLES);
    heard.forEach((frame, i) => pcm.set(frame.pcm, i * FRAME_SAMPLES));
    this.main.postMessage({ type: 'audio', sessions: heard.map((f) => f.session), offsetsMs: heard.map((f) => f.offsetMs), pcm }, [pcm.buffer]);
  }
}

/** A logger whose lines are written by the main thread's. */
function postingLogger(main: PostTarget<FromMediaThread>, bound: Record<string, unknown>): Logger {
  const log = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: Record<string, unknown>): void =>
    main.postMessage({ type: 'log', level, message, fields: { ...bound, ...fields } });
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error'), child: (fields) => postingLogger(main, { ...bound, ...fields }) };
}
