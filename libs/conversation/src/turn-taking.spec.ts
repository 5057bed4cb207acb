import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TurnTaking } from './turn-taking.js';
import type { TurnInput, TurnOutput, TurnRules, TurnState } from './turn-types.js';

const WINDOW_MS = 32;

/** Replays a conversation on virtual time; audio comes as 32 ms windows. */
class Replay {
  readonly machine: TurnTaking;
  state: TurnState;
  now = 0;
  readonly log: (TurnOutput & { atMs: number })[] = [];

  constructor(rules: Partial<TurnRules> = {}, opening = false) {
    this.machine = new TurnTaking(rules);
    this.state = this.machine.initial(0, opening);
  }
  feed(input: TurnInput): this {
    const { state, outputs } = this.machine.turn(this.state, input, this.now);
    this.state = state;
    this.log.push(...outputs.map((output) => ({ ...output, atMs: this.now })));
    return this;
  }
  private windows(ms: number, probability: number): this {
    for (const end = this.now + ms; this.now < end;) {
      this.now += WINDOW_MS;
      this.feed({ type: 'vad', probability, windowMs: WINDOW_MS });
    }
    return this;
  }
  voice(ms: number): this { return this.windows(ms, 0.9); }
  quiet(ms: number): this { return this.windows(ms, 0.05); }
  /** Speaks, falls silent until the turn is closed, and is understood. */
  say(ms: number, text: string): this { return this.voice(ms).quiet(600).words(text); }
  words(text: string): this { return this.feed({ type: 'final', text }); }
  interim(text: string): this { return this.feed({ type: 'interim', text }); }
  botStarts(): this { return this.feed({ type: 'playoutStarted' }); }
  botEnds(): this { return this.feed({ type: 'playoutFinished' }); }
  types(): string[] { return this.log.map((output) => output.type); }
  last<T extends TurnOutput['type']>(type: T): (Extract<TurnOutput, { type: T }> & { atMs: number }) | undefined {
    return this.log.filter((output) => output.type === type).at(-1) as (Extract<TurnOutput, { type: T }> & { atMs: number }) | undefined;
  }
}

describe('endpointing', () => {
  it('starts after two voiced windows and ends after the silence', () => {
    const call = new Replay().quiet(320).say(960, 'Yes, I will come.');
    expect(call.types()).toEqual(['speechStarted', 'endOfTurn', 'startReply']);
    expect(call.last('speechStarted')).toMatchObject({ startedMs: 320, atMs: 384 });
    const end = call.last('endOfTurn');
    expect(end).toMatchObject({ startedMs: 320, lastVoicedMs: 1280 });
    expect(end!.atMs - 1280).toBeGreaterThanOrEqual(550);
    expect(end!.atMs - 1280).toBeLessThan(550 + WINDOW_MS);
    expect(call.last('startReply')).toMatchObject({ text: 'Yes, I will come.', by: 'speech', startedMs: 320, lastVoicedMs: 1280 });
    expect(call.state.phase).toBe('thinking');
  });
  it('a click is nothing, a cough is noise', () => {
    expect(new Replay().voice(32).quiet(900).types()).toEqual([]);
    expect(new Replay().voice(64).quiet(900).types()).toEqual(['speechStarted', 'discardNoise']);
  });
  it('a pause inside a sentence does not end it', () => {
    expect(new Replay().voice(500).quiet(400).voice(500).quiet(400).types()).toEqual(['speechStarted']);
  });
  it('waits longer where the words so far are not the whole', () => {
    const call = new Replay().voice(500).interim('My number is').quiet(1300);
    expect(call.types()).toEqual(['speechStarted']);
    expect(call.quiet(200).types()).toEqual(['speechStarted', 'endOfTurn']);
  });
  it('waits longer where a number was asked for', () => {
    const call = new Replay().feed({ type: 'expect', answer: 'long' }).voice(900).quiet(900);
    expect(call.types()).toEqual(['speechStarted']);
  });
  it('words that look unfinished wait for the rest, and both are one turn', () => {
    const call = new Replay().say(800, 'My number is').say(1500, 'four one five five five five oh one two three');
    expect(call.types()).toEqual(['speechStarted', 'endOfTurn', 'speechStarted', 'endOfTurn', 'startReply']);
    expect(call.last('startReply')).toMatchObject({ text: 'My number is four one five five five five oh one two three', startedMs: 0 });
  });
  it('and are answered alone when nothing follows', () => {
    const call = new Replay().say(800, 'I would like to').quiet(1200);
    expect(call.last('startReply')).toMatchObject({ text: 'I would like to' });
  });
  it('a crowd that never falls silent is cut', () => {
    expect(new Replay().voice(31_000).types()).toContain('endOfTurn');
  });
  it('nothing intelligible: listens on', () => {
    const call = new Replay().say(500, '');
    expect(call.types()).toEqual(['speechStarted', 'endOfTurn']);
    expect(call.state.phase).toBe('listening');
  });
  it('a recogniser that never answers does not hold the conversation', () => {
    const call = new Replay().voice(500).quiet(7000);
    expect(call.state.pending).toEqual([]);
    expect(call.types()).toEqual(['speechStarted', 'endOfTurn', 'promptSilence']);
  });
  it('stalled audio ends the turn by the clock', () => {
    const call = new Replay().voice(500);
    call.now += 2500;
    expect(call.feed({ type: 'tick' }).types()).toEqual(['speechStarted', 'endOfTurn']);
  });
  it('takes the word of a recogniser that ends turns by itself', () => {
    const call = new Replay().voice(900).words('Yes please, Friday.');
    expect(call.types()).toEqual(['speechStarted', 'startReply']);
    expect(call.state.speech).toBeNull();
  });
});

describe('the customer goes on while the bot thinks', () => {
  it('cancels the unheard reply and answers everything together', () => {
    const call = new Replay().say(800, 'Yes I can come.').say(900, 'But not on Friday.');
    expect(call.types()).toEqual(['speechStarted', 'endOfTurn', 'startReply', 'speechStarted', 'cancelReply', 'endOfTurn', 'startReply']);
    expect(call.last('startReply')).toMatchObject({ text: 'Yes I can come But not on Friday.', startedMs: 0 });
  });
  it('does not begin to talk over a customer who has just gone on', () => {
    const call = new Replay().say(800, 'Yes I can come.').voice(96).botStarts();
    expect(call.types().slice(-1)).toEqual(['cancelReply']);
    expect(call.state.phase).toBe('listening');
    call.voice(700).quiet(600).words('But not on Friday.');
    expect(call.last('startReply')).toMatchObject({ text: 'Yes I can come But not on Friday.' });
  });
  it('a breath does not', () => {
    const call = new Replay().say(800, 'Yes I can come.').voice(96).quiet(600).words('');
    expect(call.types()).not.toContain('cancelReply');
    expect(call.state.phase).toBe('thinking');
  });
});

describe('barge-in', () => {
  const talking = (rules: Partial<TurnRules> = {}): Replay => new Replay(rules).say(500, 'What is it about?').botStarts().quiet(500);

  it('pauses after the minimum of speech, resumes on a back-channel', () => {
    const call = talking().say(400, 'Mhmm.');
    expect(call.types().slice(3)).toEqual(['speechStarted', 'pausePlayout', 'endOfTurn', 'backChannel', 'resumePlayout']);
    expect(call.last('pausePlayout')!.atMs - call.last('speechStarted')!.startedMs).toBeGreaterThanOrEqual(300);
    expect(call.state.phase).toBe('speaking');
  });
  it('resumes on fewer words than the rule asks for, though they are many agreeing ones', () => {
    for (const text of ['Friday maybe', 'yeah yeah okay right']) expect(talking().say(500, text).types()).toContain('resumePlayout');
  });
  it('stops on a real interruption, which becomes the turn', () => {
    const call = talking().say(1200, 'Can you call me tomorrow?');
    expect(call.types().slice(3)).toEqual(['speechStarted', 'pausePlayout', 'endOfTurn', 'stopPlayout', 'startReply']);
    expect(call.state.phase).toBe('thinking');
  });
  it('stops on two words that mean stop', () => { expect(talking().say(500, 'Hold on.').types()).toContain('stopPlayout'); });
  it('stops at once where the recogniser streams', () => {
    const call = talking().voice(400).interim('can you call').voice(64);
    expect(call.types()).toContain('stopPlayout');
    call.quiet(600).words('can you call me tomorrow');
    expect(call.last('startReply')).toMatchObject({ text: 'can you call me tomorrow' });
  });
  it('stops without words when the customer keeps talking', () => {
    const call = talking().voice(2600);
    expect(call.types()).toContain('stopPlayout');
    expect(call.state.phase).toBe('listening');
  });
  it('speech under the minimum does not make the bot stumble', () => {
    expect(talking().say(200, 'Yes.').types()).not.toContain('pausePlayout');
  });
  it('an answer over the last words of the question is the answer', () => {
    const call = talking().say(250, 'Yes.').botEnds();
    expect(call.types().slice(-1)).toEqual(['startReply']);
    expect(call.last('startReply')).toMatchObject({ text: 'Yes.' });
  });
  it('an agreement long before the end is none', () => {
    const call = talking().say(250, 'Yes.').quiet(3000).botEnds();
    expect(call.types()).not.toContain('stopPlayout');
    expect(call.types().slice(-1)).toEqual(['backChannel']);
    expect(call.state.phase).toBe('listening');
  });
  it('words that come when the bot has finished are the turn', () => {
    const call = talking().voice(250).botEnds().quiet(600).words('Yes.');
    expect(call.last('startReply')).toMatchObject({ text: 'Yes.' });
  });
  it('noise over the bot: it goes on', () => {
    const call = talking().say(500, '');
    expect(call.types().slice(-1)).toEqual(['resumePlayout']);
  });
});

describe('the opening', () => {
  it('"Hello?" before and over it is heard, and does not stop it', () => {
    const before = new Replay({}, true).say(400, 'Hello?').botStarts();
    expect(before.types()).toEqual(['speechStarted', 'endOfTurn', 'backChannel']);
    expect(before.state.phase).toBe('speaking');
    const over = new Replay({}, true).botStarts().quiet(300).say(1100, 'Hello, John Smith speaking.');
    expect(over.types()).toEqual(['speechStarted', 'pausePlayout', 'endOfTurn', 'backChannel', 'resumePlayout']);
  });
  it('can be interrupted', () => {
    const call = new Replay({}, true).botStarts().quiet(2000).say(1300, 'I have no time, call me tomorrow.');
    expect(call.types()).toContain('stopPlayout');
    expect(call.last('startReply')).toMatchObject({ text: 'I have no time, call me tomorrow.' });
  });
  it('or not, by setting: the words are answered after it', () => {
    const call = new Replay({ openingInterruptible: false }, true).botStarts().quiet(2000).say(3000, 'I have no time, call me tomorrow.').quiet(3000);
    expect(call.types()).toEqual(['speechStarted', 'endOfTurn']);
    expect(call.botEnds().last('startReply')).toMatchObject({ text: 'I have no time, call me tomorrow.' });
  });
});

describe('the farewell', () => {
  it('is said to the end; what the customer says meanwhile is kept', () => {
    const call = new Replay().say(500, 'Goodbye then.').feed({ type: 'lastWords' }).botStarts().quiet(300).say(1500, 'Oh wait, one more question please');
    expect(call.types()).not.toContain('stopPlayout');
    expect(call.types()).not.toContain('pausePlayout');
    expect(call.state.held).toMatchObject({ text: 'Oh wait, one more question please' });
  });
});

describe('an apology out of the blue', () => {
  it('takes the floor: no prompt and no reply come in between', () => {
    const call = new Replay().quiet(6000).feed({ type: 'lastWords' }).say(800, 'Are you there my friend?').botStarts().quiet(9000);
    expect(call.types()).toEqual(['speechStarted', 'endOfTurn']);
    expect(call.state).toMatchObject({ phase: 'speaking', held: { text: 'Are you there my friend?' } });
  });
});

describe('silence', () => {
  const rules = { silence: { enabled: true, promptAfterMs: 5000, hangUpAfterPrompts: 2 } };
  it('prompts, then hangs up, once', () => {
    const call = new Replay(rules);
    for (let i = 0; i < 4; i++) call.quiet(6000).botStarts().quiet(1000).botEnds();
    call.quiet(20_000);
    expect(call.log.map((o) => (o.type === 'promptSilence' ? `${o.type}${o.index}` : o.type))).toEqual(['promptSilence0', 'promptSilence1', 'hangUpSilence']);
  });
  it('counts from the end of what the bot said, and anew once the customer speaks', () => {
    const call = new Replay(rules).quiet(6000).botStarts().quiet(3000).botEnds().quiet(4000);
    expect(call.types()).toEqual(['promptSilence']);
    call.say(600, 'I am here.').botStarts().quiet(500).botEnds().quiet(6000);
    expect(call.last('promptSilence')).toMatchObject({ index: 0 });
  });
  it('noise is no sign of life', () => {
    const call = new Replay(rules);
    for (let i = 0; i < 6; i++) call.quiet(700).voice(128).quiet(600).words('');
    expect(call.types()).toContain('promptSilence');
  });
  it('never while the customer speaks, and not at all when switched off', () => {
    expect(new Replay(rules).voice(9000).types()).not.toContain('promptSilence');
    expect(new Replay({ silence: { ...rules.silence, enabled: false } }).quiet(60_000).types()).toEqual([]);
  });
});

describe('keypad', () => {
  it('gathers digits until a pause or #', () => {
    const call = new Replay();
    for (const digit of '42') call.feed({ type: 'dtmf', digit }).quiet(500);
    expect(call.types()).toEqual([]);
    expect(call.quiet(1700).last('startReply')).toMatchObject({ text: '42', by: 'keypad' });
    const hash = new Replay().feed({ type: 'dtmf', digit: '7' }).feed({ type: 'dtmf', digit: '#' });
    expect(hash.last('startReply')).toMatchObject({ text: '7', by: 'keypad' });
    expect(new Replay().feed({ type: 'dtmf', digit: '#' }).types()).toEqual([]);
  });
  it('a key stops the bot; with keys off nothing happens', () => {
    const call = new Replay().say(500, 'Hello there.').botStarts().feed({ type: 'dtmf', digit: '1' });
    expect(call.types()).toContain('stopPlayout');
    expect(new Replay({ keypad: false }).feed({ type: 'dtmf', digit: '1' }).quiet(3000).types()).toEqual([]);
  });
});

/** Any event in any order, with time passing between. */
const anyInput: fc.Arbitrary<{ input: TurnInput; gapMs: number }> = fc.record({
  gapMs: fc.oneof(fc.constant(32), fc.integer({ min: 0, max: 900 })),
  input: fc.oneof(
    { weight: 8, arbitrary: fc.record({ type: fc.constant('vad' as const), probability: fc.constantFrom(0.05, 0.4, 0.9, 0.9), windowMs: fc.constant(32) }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('final' as const), text: fc.constantFrom('', 'mhmm', 'yes', 'my number is', 'please call me back tomorrow', 'stop') }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('interim' as const), text: fc.constantFrom('please call me', 'and') }) },
    { weight: 2, arbitrary: fc.constantFrom<TurnInput>({ type: 'playoutStarted' }, { type: 'lastWords' }, { type: 'playoutFinished' }, { type: 'replyEmpty' }, { type: 'tick' }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('dtmf' as const), digit: fc.constantFrom('1', '#', '*') }) },
  ),
});

describe('any order of events', () => {
  it('pauses are always lifted, and nothing resumes a turn that was stopped', () => {
    fc.assert(fc.property(fc.array(anyInput, { maxLength: 120 }), fc.boolean(), (events, opening) => {
      const call = new Replay({}, opening);
      let paused = false;
      let playing = false;
      let seen = 0;
      for (const { input, gapMs } of events) {
        call.now += gapMs;
        const before = call.state.phase;
        call.feed(input);
        if (input.type === 'playoutStarted' && before === 'thinking' && call.state.phase === 'speaking') playing = true;
        for (const output of call.log.slice(seen)) {
          if (output.type === 'pausePlayout') { expect(playing && !paused).toBe(true); paused = true; }
          if (output.type === 'resumePlayout') { expect(paused).toBe(true); paused = false; }
          if (output.type === 'stopPlayout') { expect(playing).toBe(true); playing = false; paused = false; }
          if (output.type === 'startReply') expect(playing && input.type !== 'playoutFinished').toBe(false);
        }
        if (input.type === 'playoutFinished' && before === 'speaking') playing = false;
        seen = call.log.length;
        expect(call.state.paused).toBe(paused);
        if (paused) expect(call.state.phase).toBe('speaking');
      }
    }), { numRuns: 300 });
  });

  it('is never stuck: left alone, it comes back to listening and then prompts or hangs up', () => {
    fc.assert(fc.property(fc.array(anyInput, { maxLength: 80 }), fc.boolean(), (events, opening) => {
      const call = new Replay({}, opening);
      for (const { input, gapMs } of events) { call.now += gapMs; call.feed(input); }
      const before = call.log.length;
      for (let i = 0; i < 3000 && !call.state.gaveUp; i++) { call.now += 100; call.feed({ type: 'tick' }); }
      expect(call.state.gaveUp).toBe(true);
      expect(call.log.slice(before).some((output) => output.type === 'hangUpSilence') || call.log.slice(0, before).some((o) => o.type === 'hangUpSilence')).toBe(true);
    }), { numRuns: 200 });
  });

  it('every word understood is either answered or kept as a back-channel', () => {
    fc.assert(fc.property(fc.array(anyInput, { maxLength: 80 }), (events) => {
      const call = new Replay();
      const said: string[] = [];
      for (const { input, gapMs } of events) {
        call.now += gapMs;
        if (input.type === 'final') { if (input.text) said.push(input.text); }
        call.feed(input);
      }
      for (let i = 0; i < 3000 && !call.state.gaveUp; i++) { call.now += 100; call.feed({ type: 'tick' }); }
      const kept = call.log.flatMap((o) => (o.type === 'startReply' || o.type === 'backChannel' ? [o.text] : [])).join(' ');
      for (const text of said) expect(kept).toContain(text);
    }), { numRuns: 200 });
  });

  it('replays to the same end', () => {
    fc.assert(fc.property(fc.array(anyInput, { maxLength: 60 }), (events) => {
      const [one, two] = [new Replay(), new Replay()];
      for (const { input, gapMs } of events) for (const call of [one, two]) { call.now += gapMs; call.feed(input); }
      expect(two.log).toEqual(one.log);
      expect(two.state).toEqual(one.state);
    }), { numRuns: 50 });
  });
});
