import type { BotScript } from './script.js';

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

export interface ActiveHours {
  enabled: boolean;
  /** IANA name, e.g. `Europe/Berlin`. */
  timezone: string;
  days: Weekday[];
  /** "HH:MM"; a window whose end is not after its start passes midnight. */
  startTime: string;
  endTime: string;
  /** Said to callers outside the hours, templated; without one they hear that nobody is there (480). */
  closedMessage?: string;
}

/** A vendor by name with its own options; names are text, never an enum (one new file adds one). */
export interface ProviderChoice { provider: string; options: Record<string, unknown> }

export interface PrefetchSettings {
  url: string;
  method: 'POST' | 'GET';
  headers: Record<string, string>;
  timeoutMs: number;
  responsePath?: string;
}

/** A bot version as a call runs it: every default filled in. */
export interface BotSettings {
  name: string;
  systemPrompt: string;
  openingMessage: string;
  /** BCP 47, e.g. `en-US`. */
  language: string;
  /** Time zone of `{{system.*}}`: that of the active hours, else UTC. */
  timezone: string;
  llm: ProviderChoice;
  stt: ProviderChoice;
  tts: ProviderChoice;
  script: BotScript | null;
  activeHours: ActiveHours | null;
  maxCallDurationSeconds: number;
  ringTimeoutSeconds: number;
  interruption: { minWords: number; minSpeechMs: number; openingMessage: boolean };
  silence: { enabled: boolean; promptAfterMs: number; prompts: string[]; hangUpAfterPrompts: number };
  voicemail: { action: 'hang_up' | 'leave_message' | 'continue'; message: string };
  dtmf: { enabled: boolean };
  prefetch: PrefetchSettings | null;
  analysis: { prompt: string; schema: Record<string, unknown> | null } | null;
  recording: boolean;
  retentionDays: number | null;
}

export const EMBEDDED_PROVIDERS = { stt: 'local', tts: 'flite', llm: 'script' } as const;

export const botDefaults = {
  language: 'en-US',
  maxCallDurationSeconds: 600,
  ringTimeoutSeconds: 45,
  interruption: { minWords: 3, minSpeechMs: 300, openingMessage: true },
  silence: { enabled: true, promptAfterMs: 7000, prompts: ['Are you still there?'], hangUpAfterPrompts: 2 },
  voicemail: { action: 'hang_up' as const, message: '' },
  recording: true,
};
