import { describe, expect, it } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import fc from 'fast-check';
import { CallStage, samplesOf, testSettings } from './pipeline-testing.js';

const opening = testSettings.openingMessage;
const stage = (changes: ConstructorParameters<typeof CallStage>[1] = {}): CallStage => {
  const call = new CallStage(new VirtualClock(), changes);
  call.pipeline.start();
  return call;
};
const voicemail = (action: 'hang_up' | 'leave_message' | 'continue', message = 'Please call us back.'): typeof testSettings => ({ ...testSettings, voicemail: { action, message } });

describe('a conversation', () => {
  it('greets at once, hears the answer, replies, and says goodbye to the end', async () => {
    const call = stage();
    call.brain.replies = [[{ type: 'text', text: 'Great. See you ' }, { type: 'text', text: 'on Friday. Goodbye.' }, { type: 'tool', name: 'end_call' }]];
    await call.wait(40);
    expect(call.leg.playing).toBe(true);
    await call.untilQuiet();
    expect(call.stt.hints).toEqual(['yes', 'no']);
    await call.wait(700);
    await call.speak(900, 'Yes, I will come.');
    await call.wait(1000);
    expect(call.ends).toEqual([{ type: 'humanDetected' }]);
    await call.untilQuiet();
    expect(call.ends).toEqual([{ type: 'humanDetected' }, { type: 'botHangUp' }]);

    const { transcript, latency, warnings, usage } = await call.stop();
    expect(transcript.map((turn) => [turn.speaker, turn.text, turn.interrupted])).toEqual([
      ['bot', opening, undefined], ['customer', 'Yes, I will come.', undefined], ['bot', 'Great. See you on Friday. Goodbye.', undefined],
    ]);
    expect(call.leg.sent['utterance-2']).toBe(samplesOf('Great.') + samplesOf('See you on Friday.') + samplesOf('Goodbye.'));
    const startOfAnswer = 5500;
    expect(Math.abs(transcript[1].offsetMs - startOfAnswer)).toBeLessThan(400);
    expect(new Date(transcript[1].timestamp).getTime() - Date.UTC(2026, 0, 5, 10)).toBe(transcript[1].offsetMs);
    expect(warnings).toEqual([]);
    expect(latency).toHaveLength(1);
    const [turn] = latency;
    expect(turn).toMatchObject({ turn: 1 });
    expect(turn.endpointingMs).toBeGreaterThanOrEqual(550);
    expect(turn.sttMs).toBeGreaterThanOrEqual(60);
    expect(turn.llmFirstTokenMs).toBeGreaterThanOrEqual(30);
    expect(turn.ttsFirstByteMs).toBeGreaterThanOrEqual(60);
    expect(turn.totalMs).toBeGreaterThanOrEqual(700);
    expect(turn.totalMs).toBeLessThan(1000);
    expect(usage['llm_replies']).toBe(1);
    expect(usage['stt_audio_seconds']).toBeGreaterThan(1);
    expect(usage['stt_audio_seconds']).toBeLessThan(2.5);
    expect(call.brain.asked[0]).toEqual([{ role: 'assistant', content: opening }, { role: 'user', content: 'Yes, I will come.' }]);
    expect(call.types().filter((type) => type.startsWith('turn.'))).toEqual(['turn.bot', 'turn.customer', 'turn.bot']);
  });

  it('is silent and deaf while somebody else may take over, and comes back with a word', async () => {
    const call = stage();
    await call.wait(2000);
    expect(call.leg.playing).toBe(true);
    call.pipeline.hold();
    await call.wait(10);
    expect(call.leg.playing).toBe(false);
    await call.speak(900, 'Hello? Anybody there?');
    await call.wait(30_000);
    expect([call.leg.playing, call.ends, call.brain.asked.length]).toEqual([false, [], 0]);
    call.pipeline.resume();
    await call.untilQuiet();
    await call.wait(300);
    call.stt.texts = [];
    call.brain.replies = [[{ type: 'text', text: 'Alright.' }]];
    await call.speak(900, 'No, thank you.');
    await call.wait(1000);
    await call.untilQuiet();
    const { transcript } = await call.stop();
    expect(transcript.map((turn) => turn.text).slice(1)).toEqual(['I am sorry, I could not reach anyone there. Is there anything else that I can do for you?', 'No, thank you.', 'Alright.']);
    expect(transcript[0]).toMatchObject({ speaker: 'bot', interrupted: true });
  });

  it('synthesises the opening when it was not ready, and goes on with what the brain adds', async () => {
    const call = stage({ greeting: Promise.resolve(null) });
    call.brain.openingText = 'Please say yes or no.';
    await call.untilQuiet();
    expect(call.tts.said).toEqual(['Hello John, this is Ava from Green Dental.', 'Will you come on Friday?', 'Please say yes or no.']);
  });

  it('an announcement ends after the opening', async () => {
    const call = new CallStage(new VirtualClock());
    call.brain.endAfterOpening = true;
    call.pipeline.start();
    await call.untilQuiet();
    expect(call.ends).toEqual([{ type: 'botHangUp' }]);
  });

  it('lets the brain open where there is no opening message', async () => {
    const call = stage({ openingText: '', greeting: Promise.resolve(null) });
    call.brain.replies = ['Good morning.'];
    await call.untilQuiet();
    expect(call.brain.asked).toEqual([[]]);
    expect(call.tts.said).toEqual(['Good morning.']);
  });

  it('one customer turn with a pause in it is asked once, whole', async () => {
    const call = stage();
    await call.untilQuiet();
    await call.speak(900, 'Yes I can come.');
    await call.wait(620);
    await call.speak(900, 'But not on Friday.');
    await call.wait(800);
    await call.untilQuiet();
    expect(call.brain.asked.at(-1)?.filter((message) => message.role === 'user').map((message) => message.content)).toEqual(['Yes I can come But not on Friday.']);
    const { transcript } = await call.stop();
    expect(transcript.filter((turn) => turn.speaker === 'customer').map((turn) => turn.text)).toEqual(['Yes I can come But not on Friday.']);
  });
});

describe('audio that comes in a bunch', () => {
  it('keeps its own time', async () => {
    const call = stage();
    await call.untilQuiet();
    const begunMs = call.clock.monotonicMs();
    const emit = call.leg.events.emit.bind(call.leg.events);
    const held: Parameters<typeof emit>[] = [];
    call.leg.events.emit = (...event) => { held.push(event); };
    await call.speak(600, 'Yes, please.');
    await call.wait(300);
    call.leg.events.emit = emit;
    for (const event of held) emit(...event);
    await call.wait(700);
    const { transcript } = await call.stop();
    const said = transcript.find((turn) => turn.text === 'Yes, please.');
    expect(Math.abs((said?.offsetMs ?? 0) - begunMs)).toBeLessThan(60);
  });
});

describe('barge-in', () => {
  it('a back-channel pauses and resumes: every sample is played, the brain is not asked', async () => {
    const call = stage();
    await call.wait(1500);
    await call.speak(800, 'Mhmm.');
    await call.untilQuiet();
    expect(call.leg.log).toEqual(['pause', 'resume']);
    expect(call.leg.sent['utterance-1']).toBe(samplesOf(opening));
    expect(call.brain.asked).toEqual([]);
    const { transcript } = await call.stop();
    expect(transcript.map((turn) => [turn.speaker, turn.text, turn.interrupted])).toEqual([['bot', opening, undefined], ['customer', 'Mhmm.', undefined]]);
  });

  it('a real interruption stops the bot; the transcript and the brain know only what was heard', async () => {
    const call = stage();
    await call.wait(2000);
    await call.speak(1200, 'No, please call me tomorrow.');
    await call.wait(700);
    await call.untilQuiet();
    expect(call.leg.log).toContain('clear');
    const [asked] = call.brain.asked;
    expect(asked.map((message) => message.role)).toEqual(['assistant', 'user']);
    expect(asked[0].interrupted).toBe(true);
    expect(opening.startsWith(asked[0].content)).toBe(true);
    // About 2.7 s of 15 characters a second were out when it was paused.
    expect(asked[0].content.length).toBeGreaterThan(25);
    expect(asked[0].content.length).toBeLessThan(45);
    const { transcript } = await call.stop();
    expect(transcript[0]).toMatchObject({ speaker: 'bot', text: asked[0].content, interrupted: true });
    expect(call.types().filter((type) => type === 'turn.interrupted')).toHaveLength(1);
    expect(call.leg.sent['utterance-1']).toBeLessThan(samplesOf(opening));
  });

  it('"Hello?" at the beginning is heard and changes nothing', async () => {
    const call = stage();
    await call.wait(200);
    await call.speak(500, 'Hello?');
    await call.untilQuiet();
    expect(call.leg.log).toEqual([]);
    const { transcript } = await call.stop();
    expect(transcript.map((turn) => turn.text)).toEqual([opening, 'Hello?']);
  });

  it('the farewell is said to the end whatever the customer says', async () => {
    const call = stage();
    call.brain.replies = [[{ type: 'text', text: 'Thank you very much for your time today. Goodbye.' }, { type: 'tool', name: 'end_call' }]];
    await call.untilQuiet();
    await call.speak(900, 'Yes, I will come.');
    await call.wait(1600);
    await call.speak(900, 'Thank you very much, goodbye.');
    await call.untilQuiet();
    expect(call.ends.at(-1)).toEqual({ type: 'botHangUp' });
    const { transcript } = await call.stop();
    expect(transcript.map((turn) => turn.text)).toEqual([opening, 'Yes, I will come.', 'Thank you very much for your time today. Goodbye.', 'Thank you very much, goodbye.']);
    expect(transcript.every((turn) => !turn.interrupted)).toBe(true);
  });
});

describe('silence and keys', () => {
  it('prompts twice and ends the call', async () => {
    const call = stage();
    await call.untilQuiet();
    await call.wait(30_000);
    expect(call.events.filter((event) => event.type === 'silence.prompted').map((event) => event.data['index'])).toEqual([0, 1]);
    expect(call.tts.said).toEqual(['Are you still there?', 'Are you still there?']);
    expect(call.ends.at(-1)).toEqual({ type: 'silence' });
  });

  it('digits reach the brain as one turn', async () => {
    const call = stage();
    await call.untilQuiet();
    for (const digit of ['4', '2', '#']) { call.leg.events.emit('dtmf', { digit }); await call.wait(300); }
    await call.untilQuiet();
    expect(call.brain.asked[0].at(-1)).toEqual({ role: 'user', content: '42' });
    expect(call.types().filter((type) => type === 'dtmf.received')).toHaveLength(3);
    const { latency } = await call.stop();
    expect(latency[0]).toMatchObject({ endpointingMs: null, sttMs: null, totalMs: null });
  });
});

describe('hang-up at any time', () => {
  it('mid-sentence of the bot: cut to what was heard', async () => {
    const call = stage();
    await call.wait(2000);
    const { transcript } = await call.stop();
    expect(transcript).toHaveLength(1);
    expect(transcript[0].interrupted).toBe(true);
    expect(opening.startsWith(transcript[0].text)).toBe(true);
    expect(transcript[0].text.length).toBeLessThan(32);
  });

  it('mid-sentence of the customer: still recognised', async () => {
    const call = stage();
    await call.untilQuiet();
    await call.wait(500);
    await call.speak(600, 'I would like to');
    const { transcript } = await call.stop();
    expect(transcript.map((turn) => turn.text)).toEqual([opening, 'I would like to']);
  });

  it('a recogniser that does not answer any more holds nothing up', async () => {
    const call = stage();
    call.stt.delayMs = 60_000;
    await call.untilQuiet();
    await call.speak(600, 'I would like to');
    const { transcript } = await call.stop();
    expect(transcript.map((turn) => turn.text)).toEqual([opening]);
  });

  it('a leg that is gone does not either: what was heard is estimated', async () => {
    const call = stage();
    call.leg.audioOut.clear = () => new Promise(() => undefined);
    await call.wait(2000);
    const { transcript } = await call.stop();
    expect(transcript[0].text.length).toBeGreaterThan(15);
    expect(transcript[0].text.length).toBeLessThan(32);
  });

  it('before anything was said', async () => {
    const call = stage({ greeting: new Promise(() => undefined) });
    expect((await call.stop()).transcript).toEqual([]);
    expect(call.tts.said).toEqual([]);
  });

  it('at any moment of any conversation: no word is lost, nothing is played after, nothing throws', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 50, max: 2500 }), fc.integer({ min: 100, max: 1800 })), { maxLength: 6 }), fc.integer({ min: 0, max: 3000 }), async (speeches, tail) => {
      const call = stage();
      for (const [i, [pause, ms]] of speeches.entries()) { await call.wait(pause); await call.speak(ms, `this is customer sentence number ${i} spoken`); }
      await call.wait(tail);
      const { transcript } = await call.stop();
      const words = transcript.filter((turn) => turn.speaker === 'customer').map((turn) => turn.text).join(' ');
      for (const { text, seconds } of call.stt.heard) if (seconds > 0 && text) expect(words).toContain(text);
      expect(call.leg.playing).toBe(false);
      expect(transcript.map((turn) => turn.offsetMs)).toEqual([...transcript.map((turn) => turn.offsetMs)].sort((a, b) => a - b));
    }), { numRuns: 25 });
  });
});

describe('somebody who calls', () => {
  it('is a person from the first moment, whatever is said and however long', async () => {
    const clock = new VirtualClock();
    const call = new CallStage(clock, { mayBeMachine: false });
    call.pipeline.start();
    expect(call.ends).toEqual([{ type: 'humanDetected' }]);
    await call.speak(7000, 'You have reached the voicemail of John. Please leave a message after the tone.');
    await call.wait(3000);
    await call.untilQuiet();
    expect([call.ends, call.types().includes('machine.detected')]).toEqual([[{ type: 'humanDetected' }], false]);
    await call.stop();
  });
});

describe('answering machines', () => {
  const greeting = 'You have reached John. Please leave a message after the tone.';

  it('hangs up', async () => {
    const call = stage({ settings: voicemail('hang_up') });
    await call.wait(300);
    await call.speak(2000, greeting);
    await call.wait(800);
    expect(call.ends).toEqual([{ type: 'machineDetected' }]);
    expect(call.events.find((event) => event.type === 'machine.detected')?.data).toEqual({ reason: 'machine_words', action: 'hang_up' });
    expect(call.leg.playing).toBe(false);
    expect(call.brain.asked).toEqual([]);
    const { transcript } = await call.stop();
    expect(transcript.map((turn) => turn.speaker)).toEqual(['bot', 'customer']);
  });

  it('leaves its message after the beep, then ends', async () => {
    const call = stage({ settings: voicemail('leave_message'), voicemailText: 'This is Ava. Please call us back.' });
    await call.wait(300);
    await call.speak(2000, greeting);
    await call.wait(1000);
    expect(call.tts.said).toEqual([]);
    for (let at = 0; at < 400; at += 20) {
      call.leg.events.emit('audio', { pcm: Int16Array.from({ length: 160 }, (_, n) => Math.round(6000 * Math.sin((2 * Math.PI * 1000 * (at * 8 + n)) / 8000))), offsetMs: call.clock.monotonicMs() });
    }
    await call.wait(300);
    expect(call.tts.said).toEqual(['This is Ava.', 'Please call us back.']);
    expect(call.ends).toEqual([]);
    await call.untilQuiet();
    expect(call.ends).toEqual([{ type: 'machineDetected' }]);
    expect((await call.stop()).transcript.at(-1)).toMatchObject({ speaker: 'bot', text: 'This is Ava. Please call us back.' });
  });

  it('talks on where the bot is told to', async () => {
    const call = stage({ settings: voicemail('continue') });
    await call.wait(300);
    await call.speak(3000, greeting);
    await call.wait(1000);
    await call.untilQuiet();
    expect(call.ends).toEqual([]);
    expect(call.brain.asked).toHaveLength(1);
  });
});

describe('vendors that fail', () => {
  it('the brain is asked again', async () => {
    const call = stage();
    call.brain.replies = [new Error('overloaded'), 'Here I am again.'];
    await call.untilQuiet();
    await call.speak(900, 'Yes, I will come.');
    await call.wait(900);
    await call.untilQuiet();
    expect(call.tts.said).toEqual(['Here I am again.']);
    expect((await call.stop()).warnings).toEqual(['the brain failed: overloaded']);
  });

  it('a brain that stays away is excused, and the call ends as a fault', async () => {
    const call = stage();
    call.brain.replies = [new Error('down'), new Error('down')];
    await call.untilQuiet();
    await call.speak(900, 'Yes, I will come.');
    await call.wait(900);
    await call.untilQuiet();
    expect(call.tts.said.join(' ')).toMatch(/technical difficulties/);
    expect(call.ends.at(-1)).toMatchObject({ type: 'fault', reason: 'provider_failed' });
  });

  it('a voice that fails once is asked again, twice ends the call', async () => {
    const once = stage();
    once.tts.failures = 1;
    await once.untilQuiet();
    await once.speak(900, 'Yes, I will come.');
    await once.wait(1000);
    await once.untilQuiet();
    expect(once.tts.said).toEqual(['I see.']);
    const twice = stage();
    twice.tts.failures = 2;
    await twice.untilQuiet();
    await twice.speak(900, 'Yes, I will come.');
    await twice.wait(1500);
    expect(twice.ends.at(-1)).toMatchObject({ type: 'fault', reason: 'provider_failed' });
  });

  it('a recogniser that breaks is opened again, and after that given up with an apology', async () => {
    const call = stage();
    await call.untilQuiet();
    await call.speak(900, new Error('lost'));
    await call.wait(800);
    expect(call.stt.opened).toBe(2);
    await call.speak(900, 'Can you hear me now?');
    await call.wait(900);
    await call.untilQuiet();
    expect(call.brain.asked).toHaveLength(1);
    for (let i = 0; i < 2; i++) { await call.speak(900, new Error('lost')); await call.wait(1000); await call.untilQuiet(); }
    expect(call.ends.at(-1)).toMatchObject({ type: 'fault', reason: 'provider_failed' });
    expect(call.tts.said.join(' ')).toMatch(/technical difficulties/);
  });
});
