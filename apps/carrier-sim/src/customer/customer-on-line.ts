import type { CallLeg } from '@dialfleet/call';
import type { Pcm } from '@dialfleet/conversation';
import { errorMessage, type Clock, type Logger } from '@dialfleet/kit';
import { sineWave } from '@dialfleet/media';
import type { Act, Persona } from '../persona/persona.js';
import { BotEar, type HeardSpeech } from './bot-ear.js';
import { CustomerMind, type MindInput } from './customer-mind.js';

export interface CustomerReports {
  /** The first sample of a line is about to leave. */
  lineStarted(text: string, atMs: number): void;
  lineEnded(atMs: number): void;
  heard(speech: HeardSpeech): void;
  hangsUp(): void;
}

export interface CustomerOnLineOptions {
  leg: Pick<CallLeg, 'events' | 'audioOut' | 'sendDtmf'>;
  persona: Persona;
  line(text: string): Pcm;
  reports: CustomerReports;
  clock: Clock;
  logger: Logger;
}

/** A customer with the receiver in hand: gives the mind ears, a mouth and a watch. */
export class CustomerOnLine {
  private readonly mind: CustomerMind;
  private readonly ear = new BotEar();
  private readonly stopListening: (() => void)[] = [];
  private spoken = 0;
  private speaking: { tag: string; ended: () => void } | undefined;
  private alarm: { atMs: number; cancel: () => void } | undefined;
  private hasLeft = false;

  constructor(private readonly options: CustomerOnLineOptions) {
    this.mind = new CustomerMind(options.persona.turns);
  }

  /** When the bot spoke; grows while it does. */
  get heard(): readonly HeardSpeech[] { return this.ear.heard; }

  /** The call is answered: from now on the script runs. */
  begin(): void {
    const { events } = this.options.leg;
    this.stopListening.push(events.on('audio', ({ pcm }) => this.listen(pcm)), events.on('played', ({ tag }) => this.played(tag)));
    this.tell('answered');
  }

  /** The call is over: nothing more is said. */
  leave(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    if (this.ear.unfinished) this.options.reports.heard(this.ear.unfinished);
    for (const stop of this.stopListening.splice(0)) stop();
    this.alarm?.cancel();
  }

  private listen(pcm: Pcm): void {
    const { persona, leg, clock, reports } = this.options;
    if (persona.echoes) leg.audioOut.play('echo', pcm.slice());
    const { voiced, finished } = this.ear.hear(pcm, clock.nowMs());
    if (finished) reports.heard(finished);
    if (voiced) this.tell('bot_voice');
  }

  private tell(input: MindInput): void {
    if (this.hasLeft) return;
    const { act, wakeAtMs } = this.mind.step(input, this.options.clock.monotonicMs());
    this.setAlarm(wakeAtMs);
    if (act) this.perform(act);
  }

  /** An alarm that rings too early only asks the mind again, so it is never put off while the bot talks. */
  private setAlarm(atMs: number | null): void {
    if (this.alarm && atMs !== null && this.alarm.atMs <= atMs) return;
    this.alarm?.cancel();
    this.alarm = atMs === null ? undefined : { atMs, cancel: this.options.clock.after(atMs - this.options.clock.monotonicMs(), () => this.ring()) };
  }

  private ring(): void {
    this.alarm = undefined;
    this.tell('time');
  }

  private perform(act: Act): void {
    const { reports, clock, line } = this.options;
    switch (act.kind) {
      case 'say':
        reports.lineStarted(act.text, clock.nowMs());
        return this.play(line(act.text), () => reports.lineEnded(clock.nowMs()));
      case 'beep':
        return this.play(sineWave({ frequencyHz: act.frequencyHz, durationMs: act.durationMs }), () => undefined);
      case 'send_dtmf':
        return this.press(act.digits);
      case 'hang_up':
        return reports.hangsUp();
    }
  }

  private play(pcm: Pcm, ended: () => void): void {
    const { audioOut } = this.options.leg;
    const tag = `turn-${++this.spoken}`;
    this.speaking = { tag, ended };
    audioOut.play(tag, pcm.slice());
    audioOut.endOf(tag);
  }

  private played(tag: string): void {
    if (this.speaking?.tag !== tag) return;
    this.speaking.ended();
    this.speaking = undefined;
    this.tell('act_done');
  }

  private press(digits: string): void {
    const { leg, logger } = this.options;
    leg.sendDtmf(digits)
      .catch((error: unknown) => logger.warn('digits could not be sent', { error: errorMessage(error) }))
      .finally(() => this.tell('act_done'));
  }
}
