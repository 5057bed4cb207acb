import { defaultScript, SCRIPT_END } from '@dialfleet/bot';
import type { BrainNotes } from '@dialfleet/call';
import { splitSentences, type ChatMessage, type ConversationSetup, type LlmConversation, type LlmDelta } from '@dialfleet/conversation';
import { DateTime } from 'luxon';
import { loadGrammar, type Grammar } from './grammar.js';
import { answerScript, beginScript, type ScriptContext, type ScriptMove, type ScriptState } from './script-engine.js';
import { expectedAnswers } from './script-hints.js';

/**
 * One conversation by a script. `states[n]` is where it stood after the n-th turn of the customer, so that a turn asked
 * again (the customer went on before hearing the reply) is answered from where it was.
 */
export class ScriptConversation implements LlmConversation {
  private readonly begun: ScriptMove;
  private readonly states: ScriptState[];

  constructor(private readonly setup: ConversationSetup) {
    // Meanwhile the phone rings.
    loadGrammar().catch(() => undefined);
    this.begun = beginScript(this.context());
    this.states = [this.begun.state];
  }

  opening(): ReturnType<LlmConversation['opening']> {
    const { state, say } = this.begun;
    return { ...expectedAnswers(this.script, state), ...(say === '' ? {} : { text: say }), endCall: state.step === SCRIPT_END };
  }

  async *reply({ messages, signal }: { messages: readonly ChatMessage[]; signal: AbortSignal }): AsyncIterable<LlmDelta> {
    const grammar = await loadGrammar();
    if (signal.aborted) return;
    const { state, say } = this.move(messages, grammar);
    for (const sentence of splitSentences(say)) yield { type: 'text', text: `${sentence} ` };
    if (state.step === SCRIPT_END) yield { type: 'tool', name: 'end_call' };
    else yield { type: 'expect', ...expectedAnswers(this.script, state) };
  }

  notes(): BrainNotes {
    const { slots, intents, disposition } = this.states[this.states.length - 1];
    return { slots: Object.fromEntries(Object.entries(slots).map(([name, { value }]) => [name, value])), intents: [...intents], ...(disposition === undefined ? {} : { disposition }) };
  }

  private get script() { return this.setup.script ?? defaultScript; }

  private move(messages: readonly ChatMessage[], grammar: Grammar): ScriptMove {
    const turns = messages.filter((message) => message.role === 'user');
    if (turns.length === 0) return this.begun;
    const from = Math.min(turns.length, this.states.length) - 1;
    const move = answerScript(this.states[from], turns[turns.length - 1].content, cutOff(messages), { ...this.context(), grammar });
    this.states.splice(from + 1, Infinity, move.state);
    return move;
  }

  private context(): ScriptContext {
    const { setup, script } = this;
    return {
      script, render: (template, slots) => setup.render(template, slots), openingMessage: setup.openingMessage,
      now: DateTime.fromMillis(setup.nowMs(), { zone: setup.timezone }),
    };
  }
}

/** The customer spoke into the question. */
function cutOff(messages: readonly ChatMessage[]): boolean {
  const lastTurn = messages.findLastIndex((message) => message.role === 'user');
  return messages.slice(0, lastTurn).findLast((message) => message.role === 'assistant')?.interrupted ?? false;
}
