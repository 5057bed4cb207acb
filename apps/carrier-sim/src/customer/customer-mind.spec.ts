import { describe, expect, it } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import fc from 'fast-check';
import { parsePersona } from '../persona/parse-persona.js';
import { loadPersona } from '../persona/persona-source.js';
import type { Act, Persona, TurnDocument } from '../persona/persona.js';
import { CustomerMind, type MindInput } from './customer-mind.js';

/** Runs a mind against a bot that is voiced during given spans; lines take `lineMs`. Returns acts with their times. */
class Rehearsal {
  readonly clock = new VirtualClock();
  readonly acts: { atMs: number; act: Act }[] = [];
  readonly mind: CustomerMind;
  private wakeAtMs: number | null = null;

  constructor(turns: TurnDocument[] | Persona, private readonly lineMs = 1000) {
    this.mind = new CustomerMind('turns' in turns ? turns.turns : parsePersona({ name: 'x', turns }).turns);
  }

  tell(input: MindInput): void {
    const { act, wakeAtMs } = this.mind.step(input, this.clock.monotonicMs());
    this.wakeAtMs = wakeAtMs;
    if (act) this.acts.push({ atMs: this.clock.monotonicMs(), act });
    if (act && act.kind !== 'hang_up') this.clock.after(this.lineMs, () => this.tell('act_done'));
  }

  /** The bot speaks or is silent for `ms`, in frames of 20 ms. */
  bot(voiced: boolean, ms: number): void {
    for (let left = ms; left > 0; left -= 20) {
      this.clock.advance(20);
      if (voiced) this.tell('bot_voice');
      else if (this.wakeAtMs !== null && this.clock.monotonicMs() >= this.wakeAtMs) this.tell('time');
    }
  }

  answer(): this { this.tell('answered'); return this; }
  get said(): string[] { return this.acts.map(({ act }) => (act.kind === 'say' ? act.text : act.kind)); }
}

describe('the customer speaks', () => {
  it('when the bot has spoken and fallen silent for 700 ms', () => {
    const r = new Rehearsal([{ says: 'hello' }]).answer();
    r.bot(false, 1000);
    r.bot(true, 2000);
    r.bot(false, 680);
    expect(r.acts).toEqual([]);
    r.bot(false, 20);
    expect(r.acts).toEqual([{ atMs: 3700, act: { kind: 'say', text: 'hello' } }]);
  });

  it('not in a pause of the bot shorter than the silence, nor after a click', () => {
    const r = new Rehearsal([{ says: 'hello' }]).answer();
    r.bot(true, 40);
    r.bot(false, 3000);
    r.bot(true, 600);
    r.bot(false, 600);
    r.bot(true, 600);
    expect(r.acts).toEqual([]);
    r.bot(false, 700);
    expect(r.said).toEqual(['hello']);
  });

  it('anyway after the longest wait, whether the bot says nothing or never stops', () => {
    for (const voiced of [false, true]) {
      const r = new Rehearsal([{ says: 'hello', max_wait_ms: 5000 }]).answer();
      r.bot(voiced, 4980);
      expect(r.acts).toEqual([]);
      r.bot(voiced, 20);
      expect(r.said).toEqual(['hello']);
    }
  });

  it('the next line only after the bot has answered the one before', () => {
    const r = new Rehearsal([{ says: 'one' }, { says: 'two' }], 1000).answer();
    r.bot(true, 1000);
    r.bot(false, 700);
    expect(r.said).toEqual(['one']);
    r.bot(true, 500); // Spoken over: no answer.
    r.bot(false, 5000);
    expect(r.said).toEqual(['one']);
    r.bot(true, 500);
    r.bot(false, 700);
    expect(r.said).toEqual(['one', 'two']);
    r.bot(false, 1000);
    expect(r.mind.isDone).toBe(true);
  });

  it('over the bot, the given time after it began', () => {
    const r = new Rehearsal([{ says: 'stop', interrupts_after_ms: 800 }]).answer();
    r.bot(false, 400);
    r.bot(true, 2000);
    expect(r.acts).toEqual([{ atMs: 1200, act: { kind: 'say', text: 'stop' } }]);
  });

  it('at once where told so, line after line', () => {
    const r = new Rehearsal([{ says: 'one', when: 'at_once' }, { waits_ms: 500 }, { says: 'two', when: 'at_once' }], 1000).answer();
    r.bot(false, 3000);
    expect(r.acts.map(({ atMs }) => atMs)).toEqual([0, 1500]);
  });
});

describe('the customer', () => {
  it('needs no second silence after waiting for one', () => {
    const r = new Rehearsal([{ waits: 'bot_silent' }, { waits_ms: 200 }, { says: 'hello' }]).answer();
    r.bot(true, 1000);
    r.bot(false, 900);
    expect(r.acts).toEqual([{ atMs: 1900, act: { kind: 'say', text: 'hello' } }]);
  });

  it('hangs up before a word', () => {
    expect(new Rehearsal([{ hangs_up: true }]).answer().acts).toEqual([{ atMs: 0, act: { kind: 'hang_up' } }]);
  });

  it('hangs up in the middle of the bot\'s sentence', () => {
    const r = new Rehearsal(loadPersona('hangs-up-early')).answer();
    r.bot(true, 3000);
    expect(r.acts).toEqual([{ atMs: 1000, act: { kind: 'hang_up' } }]);
  });

  it('sends digits when the bot has asked', () => {
    const r = new Rehearsal(loadPersona('keypad'), 200).answer();
    r.bot(true, 500);
    r.bot(false, 1000);
    r.bot(true, 500);
    r.bot(false, 1000);
    expect(r.acts.map(({ act }) => act)).toEqual([{ kind: 'send_dtmf', digits: '1' }, { kind: 'send_dtmf', digits: '4155550123#' }]);
  });

  it('as a voicemail greets, beeps, records and hangs up, whatever the bot says', () => {
    const r = new Rehearsal(loadPersona('voicemail'), 400).answer();
    r.bot(true, 30_000);
    expect(r.acts.map(({ act }) => act.kind)).toEqual(['say', 'beep', 'hang_up']);
    expect(r.acts.map(({ atMs }) => atMs)).toEqual([500, 1300, 21_700]);
  });

  it('stays on the line, silent, when the script is over', () => {
    const r = new Rehearsal([]).answer();
    r.bot(true, 60_000);
    r.bot(false, 60_000);
    expect(r.acts).toEqual([]);
    expect(r.mind.step('time', 200_000)).toEqual({ act: null, wakeAtMs: null });
  });

  it('does nothing before the call is answered', () => {
    const r = new Rehearsal([{ says: 'hello', when: 'at_once' }]);
    r.bot(true, 1000);
    r.tell('time');
    r.tell('act_done');
    expect(r.acts).toEqual([]);
  });
});

const turn: fc.Arbitrary<TurnDocument> = fc.oneof(
  fc.record({ says: fc.constantFrom('a', 'b', 'c'), max_wait_ms: fc.integer({ min: 0, max: 5000 }) }),
  fc.record({ says: fc.constantFrom('d', 'e'), interrupts_after_ms: fc.integer({ min: 0, max: 3000 }), max_wait_ms: fc.integer({ min: 0, max: 5000 }) }),
  fc.record({ sends_dtmf: fc.constantFrom('1', '#'), when: fc.constant('at_once' as const) }),
  fc.record({ waits: fc.constantFrom('bot_silent' as const, 'bot_speaks' as const), max_wait_ms: fc.integer({ min: 0, max: 5000 }) }),
  fc.record({ waits_ms: fc.integer({ min: 0, max: 2000 }) }),
);
const spans = fc.array(fc.record({ voiced: fc.boolean(), ms: fc.integer({ min: 1, max: 60 }).map((n) => n * 20) }), { maxLength: 30 });

describe('whatever the bot does', () => {
  it('every act happens once, in order, one at a time, and the script comes to its end', () => {
    fc.assert(fc.property(fc.array(turn, { maxLength: 8 }), spans, (turns, botSpans) => {
      const r = new Rehearsal(turns, 300).answer();
      for (const span of botSpans) r.bot(span.voiced, span.ms);
      r.bot(false, 8 * 8300 + 1000);
      const scripted = parsePersona({ name: 'x', turns }).turns.flatMap(({ act }) => act ?? []);
      expect(r.acts.map(({ act }) => act)).toEqual(scripted);
      expect(r.mind.isDone).toBe(true);
      for (let i = 1; i < r.acts.length; i++) expect(r.acts[i].atMs - r.acts[i - 1].atMs).toBeGreaterThanOrEqual(300);
    }), { numRuns: 150 });
  });
});
