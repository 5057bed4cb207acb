/**
 * The embedded brain's script: the whole conversation as data. Deterministic and offline; a bot without a script and
 * without an LLM gets `defaultScript`.
 *
 * A step is said, then the customer's answer is matched: first the global intents and the FAQ (answered, then the step
 * is asked again), then what the step expects. `next` names the following step, or one of the ends.
 */
export interface BotScript {
  /** Name of the first step; default: the first. Its `say` follows the opening message. */
  start?: string;
  steps: ScriptStep[];
  faq?: { examples: string[]; answer: string }[];
  /** Answers to intents that may come at any time; built-in ones may be overridden or switched off with `null`. */
  global?: Partial<Record<GlobalIntent, GlobalReply | null>>;
}

export interface ScriptStep {
  name: string;
  /**
   * Said on entering the step. A template: `{{crm.*}}` and so on, and `{{slot.*}}`: what was understood, as it is spoken
   * ("Friday, November 27"). Empty: the opening message has asked already.
   */
  say: string;
  /** Absent: the step is a statement; the script goes on to `next` at once. */
  expect?: ScriptExpectation[];
  /** Likely answers in words: the recogniser leans towards them. */
  hints?: string[];
  /** Said when the answer was not understood; default: a polite generic one. */
  reprompt?: string;
  /** How often to ask again before going to `otherwise`. Default 1. `max_reprompts` on the wire. */
  maxReprompts?: number;
  /** Where to go when not understood after the reprompts. Default `end`. */
  otherwise?: string;
  /** For statements. */
  next?: string;
  /** Post-call disposition to note on entering the step. */
  disposition?: string;
}

/**
 * What may be answered. An intent is recognised by its `examples`; well-known names (`yes`, `no`, `busy`, `callback`,
 * `reschedule`, `not_interested`, `price`, `already_done`, `maybe`, `help`) bring their own. A slot is a value, noted under its name.
 */
export type ScriptExpectation =
  | { intent: string; examples?: string[]; next: string; disposition?: string }
  | { slot: string; type: SlotType; next: string; disposition?: string };

/**
 * Values in the notes and the analysis: `date` "2026-11-27", `time` "17:00", `datetime` "2026-11-27T17:00" (of the bot's time
 * zone, in the future), `number` a number, `phone_number` its digits (with "+" where said), `yes_no` a boolean, `text` the words.
 */
export const slotTypes = ['date', 'time', 'datetime', 'number', 'phone_number', 'yes_no', 'text'] as const;
export type SlotType = (typeof slotTypes)[number];

/** `next` values that end the script. */
export const SCRIPT_END = 'end';

export const globalIntents = ['repeat', 'who', 'robot', 'agent', 'do_not_call', 'wrong_number', 'goodbye', 'hold'] as const;
export type GlobalIntent = (typeof globalIntents)[number];
export interface GlobalReply { say: string; next?: string; disposition?: string }

/** A short polite conversation: hears the answer to the opening message, asks once more if need be, thanks, ends. */
export const defaultScript: BotScript = {
  steps: [
    { name: 'listen', say: '', expect: [{ slot: 'answer', type: 'text', next: 'thanks' }], reprompt: 'Sorry, I did not catch that. Could you say it again?', otherwise: 'thanks' },
    { name: 'thanks', say: 'Thank you for your time. Goodbye.', next: SCRIPT_END },
  ],
};
