/** What the turn-taking machine is told. Every input carries its moment in the `nowMs` beside it. */
export type TurnInput =
  /** One VAD window that ended at `nowMs`. */
  | { type: 'vad'; probability: number; windowMs: number }
  /** What the recogniser believes so far; only streaming recognisers send it. */
  | { type: 'interim'; text: string }
  /** The words of the utterance closed by `endOfTurn`; empty: nothing intelligible. */
  | { type: 'final'; text: string }
  /** The first audio of a bot turn goes out. */
  | { type: 'playoutStarted' }
  /** The last audio of a bot turn is out. */
  | { type: 'playoutFinished' }
  /** The brain said nothing, or failed: no audio will come. */
  | { type: 'replyEmpty' }
  /** The bot takes its leave: what it says now is said to the end. */
  | { type: 'lastWords' }
  /** How long an answer the bot asked for: a number is spoken in groups, with pauses between them. */
  | { type: 'expect'; answer: 'short' | 'long' }
  | { type: 'dtmf'; digit: string }
  /** Time passes without anything else happening; at least every 100 ms. */
  | { type: 'tick' };

/** What the shell must do. */
export type TurnOutput =
  /** The customer has begun to speak: audio from a little before `startedMs` on belongs to an utterance. */
  | { type: 'speechStarted'; startedMs: number }
  /** The utterance is over: recognise it. */
  | { type: 'endOfTurn'; startedMs: number; lastVoicedMs: number }
  /** What was begun is noise: drop its audio. */
  | { type: 'discardNoise' }
  | { type: 'pausePlayout' }
  | { type: 'resumePlayout' }
  /** The bot is cut short: drop the queued audio, keep only what was heard. */
  | { type: 'stopPlayout' }
  /** The customer goes on before the bot has spoken: forget the reply; its words come again inside the next `startReply`. */
  | { type: 'cancelReply' }
  /** Said while the bot was talking and no turn of its own: for the transcript only. */
  | { type: 'backChannel'; text: string; startedMs: number }
  /** The customer's turn is complete: the brain answers it, in place of whatever the bot was about to say. */
  | { type: 'startReply'; text: string; startedMs: number; lastVoicedMs: number; by: 'speech' | 'keypad' }
  | { type: 'promptSilence'; index: number }
  | { type: 'hangUpSilence' };

export type TurnPhase = 'listening' | 'thinking' | 'speaking';

/** A stretch of customer speech; times in ms of the caller's clock. */
export interface Speech { startedMs: number; lastVoicedMs: number; voicedMs: number; /** Began while the bot was talking. */ overBot: boolean; /** How the phone was answered: before, or just as, the opening begins. */ greeting: boolean }

/** Words waiting for their moment: to go on, or for the bot to finish. */
export interface HeldText { text: string; startedMs: number; lastVoicedMs: number }

export interface TurnState {
  phase: TurnPhase;
  phaseSinceMs: number;
  /** The bot's first words are being prepared or said. */
  opening: boolean;
  /** What the bot says now is said to the end: an opening by setting, or its farewell. */
  uninterruptible: boolean;
  paused: boolean;
  /** A voiced run that is not yet long enough to be speech. */
  onset: { startedMs: number; voicedMs: number } | null;
  speech: Speech | null;
  interim: string;
  /** Closed utterances whose words are not known yet, oldest first. */
  pending: (Speech & { sinceMs: number })[];
  /** An unfinished turn that may go on: "my number is". */
  unfinished: HeldText | null;
  /** The words being answered: kept until the bot is heard, in case the customer goes on. */
  answering: HeldText | null;
  /** Said over the bot, to be answered when it has finished. */
  held: (HeldText & { atAnyTime: boolean }) | null;
  keypad: { digits: string; startedMs: number; lastMs: number } | null;
  answer: 'short' | 'long';
  quietSinceMs: number;
  promptsGiven: number;
  gaveUp: boolean;
}

export interface TurnRules {
  /** VAD probability at which silence becomes voice, and below which voice becomes silence. */
  voiceOn: number;
  voiceOff: number;
  /** Voice needed to call it speech. */
  startVoicedMs: number;
  /** Speech with less voice than this is noise: a click, a cough. */
  minUtteranceMs: number;
  /** Silence that ends a turn; the longer one where a long answer was asked for or the words look unfinished. */
  endSilenceMs: number;
  maxEndSilenceMs: number;
  /** A turn is cut here whatever the VAD says (music, a crowd). */
  maxTurnMs: number;
  /** Speech over the bot that pauses it; words that stop it. */
  minSpeechMs: number;
  /** As `minSpeechMs` during the opening: "Hello?" does not make the first sentence stumble. */
  openingMinSpeechMs: number;
  minWords: number;
  /** Speech that begins this soon after the opening does is the customer's own greeting. */
  greetingMs: number;
  /** Speech over the bot longer than this is no back-channel: stop without waiting for words. */
  surelyInterruptingMs: number;
  openingInterruptible: boolean;
  /** Speech in `thinking` that takes the turn back. */
  resumeSpeechMs: number;
  /** A short answer given this close to the end of the bot's turn is an answer. */
  earlyAnswerMs: number;
  recognitionTimeoutMs: number;
  thinkingTimeoutMs: number;
  speakingTimeoutMs: number;
  keypadPauseMs: number;
  keypad: boolean;
  silence: { enabled: boolean; promptAfterMs: number; hangUpAfterPrompts: number };
}

export const defaultTurnRules: TurnRules = {
  voiceOn: 0.5, voiceOff: 0.35, startVoicedMs: 64, minUtteranceMs: 96,
  endSilenceMs: 550, maxEndSilenceMs: 1400, maxTurnMs: 30_000,
  minSpeechMs: 300, openingMinSpeechMs: 700, minWords: 3, greetingMs: 1000, surelyInterruptingMs: 2500, openingInterruptible: true,
  resumeSpeechMs: 200, earlyAnswerMs: 1500, recognitionTimeoutMs: 6000, thinkingTimeoutMs: 20_000, speakingTimeoutMs: 180_000,
  keypadPauseMs: 2000, keypad: true,
  silence: { enabled: true, promptAfterMs: 7000, hangUpAfterPrompts: 2 },
};
