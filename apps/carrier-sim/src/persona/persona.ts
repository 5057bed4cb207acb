/**
 * A scripted customer, twice: `PersonaDocument` is what people write (JSON, snake_case, most of it optional) and
 * `Persona` is what the carrier runs (validated, defaults filled in). `parsePersona` leads from one to the other.
 */
export interface PersonaDocument {
  /** Letters, digits, `-` and `_`. */
  name: string;
  description?: string;
  /** Voice of the customer; default `rms`. */
  voice?: string;
  /** 1 is the voice's own speed; 0.5 to 2. */
  speed?: number;
  /** How the phone is picked up; `false`: it rings until the caller gives up. Default: after one second of ringing. */
  answers?: AnswersDocument | false;
  /** The call is turned down instead. */
  refuses?: RefusesDocument;
  /** What the customer does once on the line, in order. Afterwards the customer stays until the bot hangs up. */
  turns?: TurnDocument[];
  /** Plays everything back that is heard; excludes `turns`. */
  echoes?: boolean;
}

export interface AnswersDocument {
  after_ms?: number;
  /** 180 Ringing while waiting; default true. */
  rings?: boolean;
  /** 183 with media while waiting: a ringback tone comes from the carrier. */
  early_media?: boolean;
}

export interface RefusesDocument {
  /** Final SIP status, 400 to 699. */
  status: number;
  reason?: string;
  after_ms?: number;
  /** 180 Ringing before the refusal; default true when `after_ms` is given. */
  rings?: boolean;
}

/** When a line is spoken or digits are sent. */
export interface CueDocument {
  /** Default `bot_silent`: the bot has spoken since the customer's last act and has been silent for `silence_ms`. */
  when?: 'bot_silent' | 'at_once';
  /** Instead of `when`: this long after the bot began to speak, over its voice. */
  interrupts_after_ms?: number;
  /** Default 700. */
  silence_ms?: number;
  /** The customer goes on after this long whatever the bot does; default 20,000. */
  max_wait_ms?: number;
}

export type TurnDocument =
  | ({ says: string } & CueDocument)
  | ({ sends_dtmf: string } & CueDocument)
  | { waits: 'bot_silent' | 'bot_speaks'; silence_ms?: number; max_wait_ms?: number }
  | { waits_ms: number }
  | { beeps: { frequency_hz?: number; duration_ms?: number } }
  | { hangs_up: true };

/** What must come about before the customer acts. `maxWaitMs` counts from the end of the previous turn. */
export type Cue =
  | { kind: 'after'; ms: number }
  | { kind: 'bot_silent'; silenceMs: number; maxWaitMs: number }
  | { kind: 'bot_speaks'; forMs: number; maxWaitMs: number };

export type Act =
  | { kind: 'say'; text: string }
  | { kind: 'send_dtmf'; digits: string }
  | { kind: 'beep'; frequencyHz: number; durationMs: number }
  | { kind: 'hang_up' };

/** `act` null: the turn was only a wait. */
export interface Turn { cue: Cue; act: Act | null }

export type Pickup =
  | { kind: 'answers'; afterMs: number; rings: boolean; earlyMedia: boolean }
  | { kind: 'refuses'; afterMs: number; rings: boolean; status: number; reason: string | null }
  | { kind: 'never_answers' };

export interface Persona {
  name: string;
  description: string;
  voice: string;
  speed: number;
  pickup: Pickup;
  turns: readonly Turn[];
  echoes: boolean;
}

/** Every line a persona may speak: they are synthesised before the carrier takes calls. */
export const linesOf = (persona: Persona): string[] =>
  persona.turns.flatMap(({ act }) => (act?.kind === 'say' ? [act.text] : []));
