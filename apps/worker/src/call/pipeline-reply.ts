import type { CallEvent } from '@dialfleet/call';
import type { ChatMessage, LlmConversation } from '@dialfleet/conversation';
import { errorMessage, type Clock } from '@dialfleet/kit';
import { withinEach } from './pipeline-deadline.js';

const FIRST_TOKEN_LIMIT_MS = 8000;
export const APOLOGY = 'I am sorry, I am having technical difficulties. Goodbye.';
/** After a transfer that came to nothing. */
export const NOBODY_THERE = 'I am sorry, I could not reach anyone there. Is there anything else that I can do for you?';
const CANNOT_TRANSFER = 'I am sorry, I cannot transfer you at the moment.';

export interface ReplyEvents {
  firstToken(): void;
  expect(hints: readonly string[], answer: 'short' | 'long'): void;
  tool(name: string, data: Record<string, unknown>): void;
  /** After this reply has been said, the call ends so. */
  thenEnd(event: CallEvent): void;
  warning(message: string): void;
}

/** The brain's answer as text. Asked once more where it failed before its first word; after that it apologises and the call ends. */
export async function* replyText(
  brain: LlmConversation, messages: () => readonly ChatMessage[], signal: AbortSignal, clock: Clock, events: ReplyEvents,
): AsyncIterable<string> {
  for (let attempt = 0; ; attempt++) {
    let spoken = false;
    try {
      for await (const text of oneReply(brain, messages(), signal, clock, events)) {
        spoken = true;
        yield text;
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      events.warning(`the brain failed: ${errorMessage(error)}`);
      if (spoken) return;
      if (attempt === 0) continue;
      events.thenEnd({ type: 'fault', reason: 'provider_failed', detail: errorMessage(error) });
      yield APOLOGY;
      return;
    }
  }
}

async function* oneReply(
  brain: LlmConversation, messages: readonly ChatMessage[], signal: AbortSignal, clock: Clock, events: ReplyEvents,
): AsyncIterable<string> {
  for await (const delta of withinEach(brain.reply({ messages, signal }), FIRST_TOKEN_LIMIT_MS, clock, 'the brain')) {
    if (signal.aborted) return;
    if (delta.type === 'text') {
      events.firstToken();
      yield delta.text;
    } else if (delta.type === 'expect') events.expect(delta.hints, delta.answer ?? 'short');
    else if (delta.name === 'end_call') {
      events.tool('end_call', {});
      events.thenEnd({ type: 'botHangUp' });
    } else {
      events.tool('transfer_call', { target: delta.target });
      events.warning('this leg cannot transfer the call');
      yield ` ${CANNOT_TRANSFER}`;
    }
  }
}
