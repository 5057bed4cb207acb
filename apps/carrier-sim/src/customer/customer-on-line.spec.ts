import { beforeEach, describe, expect, it } from '@jest/globals';
import type { LegEvents } from '@dialfleet/call';
import { Emitter, silentLogger, VirtualClock } from '@dialfleet/kit';
import { sineWave, toneAmplitude } from '@dialfleet/media';
import { parsePersona } from '../persona/parse-persona.js';
import type { PersonaDocument } from '../persona/persona.js';
import { CustomerOnLine } from './customer-on-line.js';

const voice = sineWave({ frequencyHz: 300, durationMs: 20, amplitude: 4000 });
const silence = new Int16Array(160);

/** A telephone line on virtual time: what is played lasts as long as it has samples. */
class Line {
  readonly clock = new VirtualClock(0);
  readonly events = new Emitter<LegEvents>();
  readonly played: { tag: string; pcm: Int16Array }[] = [];
  readonly log: string[] = [];
  dtmfWorks = true;
  private mouthFreeAtMs = 0;

  readonly audioOut = {
    play: (tag: string, pcm: Int16Array): void => {
      this.played.push({ tag, pcm });
      this.mouthFreeAtMs = Math.max(this.mouthFreeAtMs, this.clock.monotonicMs()) + pcm.length / 8;
    },
    endOf: (tag: string): void => { this.clock.after(this.mouthFreeAtMs - this.clock.monotonicMs(), () => this.events.emit('played', { tag, offsetMs: 0 })); },
    clear: () => Promise.resolve({}), pause: () => undefined, resume: () => undefined,
  };

  sendDtmf(digits: string): Promise<void> {
    this.note(`dtmf ${digits}`);
    return this.dtmfWorks ? Promise.resolve() : Promise.reject(new Error('not negotiated'));
  }

  note(text: string): void { this.log.push(`${this.clock.monotonicMs()} ${text}`); }

  hears(frame: Int16Array, ms: number): void {
    for (let left = ms; left > 0; left -= 20) {
      this.clock.advance(20);
      this.events.emit('audio', { pcm: frame, offsetMs: 0 });
    }
  }

  customer(document: Omit<PersonaDocument, 'name'>): CustomerOnLine {
    return new CustomerOnLine({
      leg: this, persona: parsePersona({ name: 'x', ...document }), clock: this.clock, logger: silentLogger,
      line: (text) => new Int16Array(text.length * 80).fill(1000),
      reports: {
        lineStarted: (text, atMs) => this.note(`says ${text} (${atMs})`), lineEnded: (atMs) => this.note(`said (${atMs})`),
        heard: ({ startedAtMs, endedAtMs }) => this.note(`heard ${startedAtMs}-${endedAtMs}`), hangsUp: () => this.note('hangs up'),
      },
    });
  }
}

let line: Line;
beforeEach(() => { line = new Line(); });

describe('CustomerOnLine', () => {
  it('holds a conversation: hears, speaks when it is silent, and hangs up', () => {
    const customer = line.customer({ turns: [{ says: '0123456789' }, { says: 'bye' }, { hangs_up: true }] });
    customer.begin();
    line.hears(voice, 1000);
    line.hears(silence, 1000);
    line.hears(voice, 500);
    line.hears(silence, 1000);
    expect(line.log).toEqual(['1620 heard 0-1000', '1700 says 0123456789 (1700)', '1800 said (1800)', '3120 heard 2000-2500', '3200 says bye (3200)', '3230 said (3230)', '3230 hangs up']);
    expect(customer.heard).toEqual([{ startedAtMs: 0, endedAtMs: 1000 }, { startedAtMs: 2000, endedAtMs: 2500 }]);
  });

  it('keeps its own time when no packets come at all', () => {
    line.customer({ turns: [{ says: 'hello?', max_wait_ms: 3000 }] }).begin();
    line.clock.advance(10_000);
    expect(line.log).toEqual(['3000 says hello? (3000)', '3060 said (3060)']);
  });

  it('says nothing before it begins and nothing after it left', () => {
    const customer = line.customer({ turns: [{ says: 'a', when: 'at_once' }, { waits_ms: 100 }, { says: 'b', when: 'at_once' }] });
    line.clock.advance(1000);
    customer.begin();
    customer.leave();
    line.clock.advance(10_000);
    line.hears(voice, 100);
    expect(line.log).toEqual(['1000 says a (1000)']);
  });

  it('reports the words that the end of the call cut short', () => {
    const customer = line.customer({});
    customer.begin();
    line.hears(voice, 400);
    customer.leave();
    customer.leave();
    expect(line.log).toEqual(['400 heard 0-400']);
  });

  it('leaves the shared line as it is: the mouth gets a copy', () => {
    const shared = new Int16Array(800).fill(7);
    const customer = new CustomerOnLine({ leg: line, persona: parsePersona({ name: 'x', turns: [{ says: 'a', when: 'at_once' }] }), clock: line.clock, logger: silentLogger,
      line: () => shared, reports: { lineStarted: () => undefined, lineEnded: () => undefined, heard: () => undefined, hangsUp: () => undefined } });
    customer.begin();
    line.played[0].pcm.fill(0);
    expect(shared[0]).toBe(7);
  });

  it('beeps', () => {
    line.customer({ turns: [{ beeps: { frequency_hz: 1400, duration_ms: 300 } }, { hangs_up: true }] }).begin();
    line.clock.advance(1000);
    expect(line.played[0].pcm).toHaveLength(2400);
    expect(toneAmplitude(line.played[0].pcm, 1400)).toBeGreaterThan(7000);
    expect(line.log).toEqual(['300 hangs up']);
  });

  it.each([true, false])('goes on after pressing keys, whether or not they could be sent (%s)', async (works) => {
    line.dtmfWorks = works;
    line.customer({ turns: [{ sends_dtmf: '12#', when: 'at_once' }, { hangs_up: true }] }).begin();
    await line.clock.advanceAsync(50);
    expect(line.log).toEqual(['0 dtmf 12#', '10 hangs up']);
  });

  it('plays back what it hears as an echo', () => {
    line.customer({ echoes: true }).begin();
    line.hears(voice, 60);
    expect(line.played.map(({ tag, pcm }) => [tag, pcm])).toEqual([['echo', voice], ['echo', voice], ['echo', voice]]);
    expect(line.played[0].pcm).not.toBe(voice);
  });
});
