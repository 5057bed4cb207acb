import { describe, expect, it } from '@jest/globals';
import { appointmentOpening, appointmentReminder, renderTemplate, validateScript, type BotScript } from '@dialfleet/bot';
import type { ChatMessage, LlmConversation, LlmDelta } from '@dialfleet/conversation';
import fc from 'fast-check';
import { chooseProvider } from '../provider-choice.js';
import { llmVendors } from './llm-vendors.js';
import { ScriptBrain } from './script-brain.js';

const crm = { name: 'John', appointment: 'Friday the 20th' };
const NOW = Date.UTC(2026, 10, 18, 15);
const signal = new AbortController().signal;

/** A customer on the line, as the pipeline would keep the history. */
class Talk {
  readonly brain: LlmConversation;
  readonly messages: ChatMessage[];
  deltas: LlmDelta[] = [];

  constructor(script: BotScript | null = appointmentReminder, opening = appointmentOpening, data: Record<string, unknown> = crm) {
    const render = (template: string, slots: Record<string, unknown> = {}): string => renderTemplate(template, { crm: data, slot: slots }).text;
    this.brain = new ScriptBrain().converse({ systemPrompt: '', openingMessage: render(opening), script, language: 'en-US', timezone: 'America/New_York', render, nowMs: () => NOW });
    this.messages = [{ role: 'assistant', content: [render(opening), this.brain.opening().text].filter(Boolean).join(' ') }];
  }
  private async ask(): Promise<string> {
    this.deltas = [];
    for await (const delta of this.brain.reply({ messages: this.messages, signal })) this.deltas.push(delta);
    return this.deltas.flatMap((delta) => (delta.type === 'text' ? [delta.text] : [])).join('').trim();
  }
  async say(text: string): Promise<string> {
    this.messages.push({ role: 'user', content: text });
    const reply = await this.ask();
    this.messages.push({ role: 'assistant', content: reply });
    return reply;
  }
  /** The reply to the last words was not heard; the customer went on. */
  async goOn(text: string): Promise<string> {
    this.messages.splice(-2);
    return this.say(text);
  }
  cutOff(heard: string): void { this.messages[this.messages.length - 1] = { role: 'assistant', content: heard, interrupted: true }; }
  get ended(): boolean { return this.deltas.some((delta) => delta.type === 'tool' && delta.name === 'end_call'); }
  get expected(): Extract<LlmDelta, { type: 'expect' }> | undefined {
    return this.deltas.find((delta): delta is Extract<LlmDelta, { type: 'expect' }> => delta.type === 'expect');
  }
}

describe('the appointment reminder', () => {
  it('asked for another day: day, number, farewell, and what the CRM needs', async () => {
    const talk = new Talk();
    expect(talk.brain.opening().hints).toContain('call me another day');
    expect(await talk.say('I am busy right now. Can you call me another day?')).toBe('Of course. On which day may we call you?');
    expect(talk.expected?.hints).toContain('on Friday');
    expect(talk.expected?.answer).toBe('short');
    expect(await talk.say('Friday the 27th, please.')).toBe('And what is the best number to reach you?');
    expect(talk.expected).toEqual({ type: 'expect', hints: expect.any(Array), answer: 'long' });
    expect(await talk.say("It's 4 1 5 5 5 5 0 1 2 3.")).toBe('Thank you. We will call you on Friday, November 27, at 4 1 5, 5 5 5, 0 1 2 3. Goodbye.');
    expect(talk.ended).toBe(true);
    const notes = talk.brain.notes();
    expect(notes).toEqual({ slots: { callback_day: '2026-11-27', callback_number: '4155550123' }, intents: ['callback'], disposition: 'callback_requested' });

    const transcript = talk.messages.map(({ role, content }) => ({ speaker: role === 'user' ? 'customer' as const : 'bot' as const, text: content }));
    const analysis = await new ScriptBrain().extract({ transcript, notes, prompt: '', schema: null, signal });
    expect(analysis).toEqual({
      callback_day: '2026-11-27', callback_number: '4155550123', disposition: 'callback_requested', intents: ['callback'], customer_spoke: true, customer_turns: 3,
      summary: 'The customer asked to be called back. Noted: callback day: 2026-11-27; callback number: 4155550123.',
    });
  });

  it('the day said at once is not asked for', async () => {
    const talk = new Talk();
    expect(await talk.say('Could you call me back tomorrow at five?')).toBe('And what is the best number to reach you?');
    expect(talk.brain.notes()).toMatchObject({ slots: { callback_day: '2026-11-19' }, disposition: 'callback_requested' });
  });

  it('but a day that was refused is', async () => {
    const talk = new Talk();
    expect(await talk.say("I can't talk now, I don't have time on Friday, call me another day")).toBe('Of course. On which day may we call you?');
  });

  it('confirms, and ends', async () => {
    const talk = new Talk();
    expect(await talk.say('Yes, I will be there.')).toBe('Wonderful. We look forward to seeing you on Friday the 20th. Goodbye.');
    expect(talk.ended).toBe(true);
    expect(talk.brain.notes().disposition).toBe('confirmed');
  });

  it('answers what comes in between, and asks again', async () => {
    const talk = new Talk();
    expect(await talk.say('Who is this?')).toMatch(/automated assistant of Green Dental.* Will you be able to come\?$/);
    expect(await talk.say('Where is the practice?')).toBe('Green Dental is at twelve Park Street, next to the library. Will you be able to come?');
    expect(await talk.say('Sorry, what did you say?')).toBe('Hello John, this is Ava from Green Dental. I am calling about your appointment on Friday the 20th. Will you be able to come?');
    expect(await talk.say('Hold on a second')).toBe('Of course, take your time.');
    expect(talk.ended).toBe(false);
    expect(await talk.say('No, I have to cancel.')).toMatch(/cancelled your appointment/);
    expect(talk.brain.notes()).toMatchObject({ disposition: 'cancelled', intents: ['who', 'faq', 'repeat', 'hold', 'no'] });
  });

  it('asks again, then goes on its way', async () => {
    const talk = new Talk();
    expect(await talk.say('Chocolate ice cream')).toMatch(/^Sorry, I did not catch that\. Will you be able to come to your appointment on Friday the 20th/);
    expect(await talk.say('The cat is asleep')).toBe('Of course. On which day may we call you?');
    for (const text of ['turtles', 'blue', 'seventeen ducks']) await talk.say(text);
    expect(talk.ended).toBe(true);
  });

  it.each([['Stop calling me!', 'do_not_call'], ['You have the wrong number', 'wrong_number'], ['I want to speak to a real person', 'agent_requested']])('"%s" ends as %s', async (text, disposition) => {
    const talk = new Talk();
    await talk.say(text);
    expect(talk.ended).toBe(true);
    expect(talk.brain.notes().disposition).toBe(disposition);
  });
});

describe('what the customer heard counts', () => {
  it('a turn asked again is answered from where it was', async () => {
    const talk = new Talk();
    await talk.say('Yes');
    expect(talk.ended).toBe(true);
    expect(await talk.goOn('Yes but can you call me back another day')).toBe('Of course. On which day may we call you?');
    expect(talk.ended).toBe(false);
    expect(await talk.say('tomorrow')).toBe('And what is the best number to reach you?');
    expect(talk.brain.notes()).toMatchObject({ disposition: 'callback_requested', intents: ['callback'] });
  });

  it('a value that looks like a template is said as it is, also when the opening is repeated', async () => {
    const talk = new Talk(null, 'Hello {{crm.name}}, may I ask you something?', { name: '{{crm.appointment}}', appointment: 'secret' });
    expect(await talk.say('Sorry, can you repeat that?')).toBe('Hello {{crm.appointment}}, may I ask you something?');
  });

  it('words into the opening that mean nothing here do not count as an answer: it is said again', async () => {
    const talk = new Talk();
    talk.cutOff('Hello John, this');
    expect(await talk.say('Hello, Smith residence, good morning')).toMatch(/^Hello John, this is Ava from Green Dental/);
    expect(await talk.say('Yes')).toMatch(/^Wonderful/);
  });
});

describe('other scripts', () => {
  it('without a script: a short polite conversation', async () => {
    const talk = new Talk(null, 'How was your visit?');
    expect(await talk.say('It was very good, thank you')).toBe('Thank you for your time. Goodbye.');
    expect(talk.ended).toBe(true);
    expect(talk.brain.notes().slots).toEqual({ answer: 'It was very good, thank you' });
  });

  it('without a script and an opening: it greets, so that nobody meets silence', async () => {
    const talk = new Talk(null, '');
    expect(talk.messages[0].content).toMatch(/^Hello\. .*\?$/);
    expect(await talk.say('What was that?')).toBe(talk.messages[0].content);
    expect(await talk.say('I have a question about my bill')).toBe('Thank you for your time. Goodbye.');
  });

  it('an announcement needs no answer', () => {
    const talk = new Talk({ steps: [{ name: 'news', say: 'Your parcel has arrived.', next: 'bye' }, { name: 'bye', say: 'Goodbye.', next: 'end' }] }, 'Hello.');
    expect(talk.brain.opening()).toMatchObject({ text: 'Your parcel has arrived. Goodbye.', endCall: true });
  });

  it('a global intent may be answered otherwise, lead elsewhere, or be switched off', async () => {
    const script: BotScript = {
      steps: [{ name: 'ask', say: 'Ready?', expect: [{ intent: 'yes', next: 'end' }] }, { name: 'team', say: 'What is it about?', expect: [{ slot: 'topic', type: 'text', next: 'end' }] }],
      global: { agent: { say: 'Of course.', next: 'team' }, robot: null },
    };
    expect(validateScript(script).ok).toBe(true);
    const talk = new Talk(script, 'Hello.');
    expect(await talk.say('Are you a robot?')).toBe('Sorry, I did not catch that. Ready?');
    expect(await talk.say('I want to talk to a human')).toBe('Of course. What is it about?');
    await talk.say('My invoice');
    expect(talk.brain.notes().slots).toEqual({ topic: 'My invoice' });
  });

  it('yes or no as a value', async () => {
    const talk = new Talk({ steps: [{ name: 'ask', say: 'Do you smoke?', expect: [{ slot: 'smoker', type: 'yes_no', next: 'end' }] }] }, 'Hello.');
    expect(await talk.say("No, I don't.")).toBe('Thank you for your time. Goodbye.');
    expect(talk.brain.notes().slots).toEqual({ smoker: false });
  });

  it('whatever is said, it says something, and comes to an end', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.string(), fc.constantFrom('yes', 'no', 'call me tomorrow', 'friday', '__proto__', '{{crm.name}}', '415 555 0123', 'toString')), { minLength: 20, maxLength: 20 }), async (texts) => {
      const talk = new Talk();
      for (const text of texts) {
        expect(await talk.say(text)).not.toBe('');
        if (talk.ended) break;
      }
      expect(talk.ended).toBe(true);
    }), { numRuns: 12 });
  });
});

describe('analysis', () => {
  const notes = { slots: { callback_day: '2026-11-27', guests: 2 }, intents: ['callback'], disposition: undefined };
  const transcript = [{ speaker: 'customer' as const, text: 'Call me later.' }];
  const extract = (schema: Record<string, unknown> | null, more: object = {}) => new ScriptBrain().extract({ transcript, notes, prompt: '', schema, signal, ...more });

  it('fills only what the schema has, where it is known and of the right type', async () => {
    const schema = { type: 'object', properties: { disposition: { type: 'string' }, callback_day: { type: 'string' }, guests: { type: 'integer' }, mood: { type: 'string' }, intents: { type: 'string' }, customer_spoke: {} } };
    expect(await extract(schema)).toEqual({ disposition: 'callback_requested', callback_day: '2026-11-27', guests: 2, customer_spoke: true });
    expect(await extract({ properties: { disposition: { enum: ['sold', 'lost'] } } })).toEqual({});
  });

  it('has a disposition whatever happened', async () => {
    expect(await extract(null)).toMatchObject({ disposition: 'callback_requested' });
    expect(await extract(null, { transcript: [], notes: { slots: {}, intents: [] } })).toMatchObject({ disposition: 'no_conversation', summary: 'The customer said nothing.', customer_spoke: false });
    expect(await extract(null, { notes: { slots: {}, intents: [] } })).toMatchObject({ disposition: 'completed', summary: 'The conversation was completed. The customer\'s last words: "Call me later."' });
  });
});

describe('the registry', () => {
  it('takes a bot without options, and says what it does not know', () => {
    const chosen = chooseProvider(llmVendors, { provider: 'script', options: {} });
    expect(chosen.ok && chosen.entry.label).toMatch(/Script/);
    expect(chooseProvider(llmVendors, { provider: 'script', options: { model: 'x' } })).toEqual({ ok: false, problems: ['options.model: is not an option'] });
  });
});
