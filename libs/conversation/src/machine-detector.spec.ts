import { describe, expect, it } from '@jest/globals';
import { detectMachine, initialMachineState, type MachineInput, type MachineOutput, type MachineState } from './machine-detector.js';

/** Replays a call: voice and silence in 32 ms windows, words at the end of each utterance. */
class Replay {
  state: MachineState = initialMachineState(0);
  now = 0;
  readonly outputs: (MachineOutput & { atMs: number })[] = [];

  feed(input: MachineInput): void {
    const step = detectMachine(this.state, input, this.now);
    this.state = step.state;
    this.outputs.push(...step.outputs.map((output) => ({ ...output, atMs: this.now })));
  }
  private windows(ms: number, probability: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += 32;
      this.feed({ type: 'vad', probability, windowMs: 32 });
    }
  }
  quiet(ms: number): this { this.windows(ms, 0.02); return this; }
  say(ms: number, text: string): this {
    const startedMs = this.now;
    this.windows(ms, 0.95);
    this.quiet(550);
    this.feed({ type: 'transcript', text, startedMs });
    return this;
  }
  beep(ms: number): this {
    for (let at = 0; at < ms; at += 20) {
      this.now += 20;
      this.feed({ type: 'audio', pcm: Int16Array.from({ length: 160 }, (_, n) => Math.round(7000 * Math.sin((2 * Math.PI * 1000 * (at * 8 + n)) / 8000))) });
    }
    for (let i = 0; i < 3; i++) { this.now += 20; this.feed({ type: 'audio', pcm: new Int16Array(160) }); }
    return this;
  }
}

describe('detectMachine: people', () => {
  it.each([[600, 'Hello?'], [1500, 'Hello, John Smith speaking.'], [2500, 'Green Dental, how can I help you?'], [900, 'Yes, who is this?'],
    [2800, 'Hi, this is Mary, who is calling please?']])('%d ms of "%s"', (ms, text) => {
    const call = new Replay().quiet(300).say(ms, text);
    expect(call.state).toMatchObject({ verdict: 'human' });
  });

  it('a customer who answers the bot with a long sentence, or says machine-like things late', () => {
    for (const text of ['I will get back to you about that, I am not available on Friday and I cannot come on Monday either', 'Yes I would like that']) {
      const call = new Replay().quiet(5200).say(5000, text);
      expect(call.state).toMatchObject({ verdict: 'human', reason: 'conversation' });
    }
  });

  it('a customer who begins to answer a short opening at once, and talks at length', () => {
    const call = new Replay().quiet(2200);
    call.feed({ type: 'botFinished' });
    call.quiet(800).say(9000, 'Oh hello, how nice of you to call, I was just about to go out to the garden because the roses need some water.');
    expect(call.state).toMatchObject({ verdict: 'human', reason: 'conversation' });
  });

  it('a silent line is a person in the end: nothing says otherwise', () => {
    const call = new Replay().quiet(26_000);
    expect(call.outputs).toEqual([expect.objectContaining({ type: 'decided', verdict: 'human', reason: 'time' })]);
  });

  it('call screening is a person behind an assistant', () => {
    expect(new Replay().quiet(400).say(3000, 'Hi, the person you are calling is using a screening service. Please state your name and why you are calling.').state)
      .toMatchObject({ verdict: 'human', reason: 'call_screening' });
  });
});

describe('detectMachine: machines', () => {
  it.each([
    'Hi, you have reached John. Please leave a message after the tone.',
    'The person you are trying to reach is not available.',
    "I can't come to the phone right now.",
    'Please leave me a message and I will call you back.',
    'The number you have dialed is not in service.',
    'Thank you for calling. For English, press one.',
    'Your call has been forwarded to an automatic voice mail system.',
  ])('by words: %s', (text) => {
    expect(new Replay().quiet(500).say(2600, text).state).toMatchObject({ verdict: 'machine', reason: 'machine_words' });
  });

  it('by its length, where the bot was done before it began', () => {
    const call = new Replay().quiet(500);
    call.feed({ type: 'botFinished' });
    expect(call.quiet(700).say(7000, 'Good day to you all').state).toMatchObject({ verdict: 'machine', reason: 'long_greeting' });
  });

  it('waits with a greeting that might go on', () => {
    const call = new Replay().quiet(400).say(1900, 'Hi, this is John Smith.');
    expect(call.state.verdict).toBe('undecided');
    call.say(2000, 'Leave your name and number after the beep.');
    expect(call.state).toMatchObject({ verdict: 'machine', reason: 'machine_words' });
  });

  it('by talking on and on at once', () => {
    const call = new Replay().quiet(400).say(7000, 'something nobody understood');
    expect(call.outputs[0]).toMatchObject({ verdict: 'machine', reason: 'long_greeting' });
    expect(call.outputs[0].atMs).toBeLessThan(7000);
  });

  it('by its beep, after which a message may be left', () => {
    const call = new Replay().quiet(2000).beep(400);
    expect(call.outputs.map((output) => output.type)).toEqual(['decided', 'leaveMessage']);
    expect(call.outputs[0]).toMatchObject({ verdict: 'machine', reason: 'beep' });
    expect(call.outputs[1].atMs).toBeGreaterThan(2300);
  });

  it('the message waits for the beep, or for a silence where none comes', () => {
    const withBeep = new Replay().quiet(300).say(2000, 'Leave a message after the tone.').quiet(800).beep(300);
    expect(withBeep.outputs.map((output) => output.type)).toEqual(['decided', 'leaveMessage']);
    const without = new Replay().quiet(300).say(2000, 'Leave a message.').quiet(4000);
    expect(without.outputs.map((output) => output.type)).toEqual(['decided', 'leaveMessage']);
    expect(without.outputs[1].atMs - 2300).toBeGreaterThanOrEqual(3500);
  });

  it('decides once', () => {
    const call = new Replay().quiet(300).say(700, 'Hello?').say(2000, 'Leave a message after the tone.').beep(400);
    expect(call.outputs).toEqual([expect.objectContaining({ verdict: 'human' })]);
  });
});
