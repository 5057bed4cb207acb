import {
  botDefaults, EMBEDDED_PROVIDERS, validateScript, type ActiveHours, type BotScript, type BotSettings, type PrefetchSettings, type ProviderChoice,
} from '@dialfleet/bot';
import type { ActiveHoursConfig, BotRequest, PrefetchConfig, ProviderConfig } from './bot.dto.js';

/** A bot version as on the wire: plain JSON of BotRequest. */
export type BotConfig = Omit<BotRequest, 'tools'>;

const DEFAULT_PREFETCH_TIMEOUT_MS = 3000;

/** The stored settings (secrets back in place) with every default filled in, as a call runs them. */
export function botSettings(config: BotConfig): BotSettings {
  return {
    name: config.name,
    systemPrompt: config.system_prompt ?? '',
    openingMessage: config.opening_message ?? '',
    language: config.language ?? botDefaults.language,
    timezone: config.active_hours?.timezone ?? 'UTC',
    llm: provider(config.llm, EMBEDDED_PROVIDERS.llm),
    stt: provider(config.stt, EMBEDDED_PROVIDERS.stt),
    tts: provider(config.tts, EMBEDDED_PROVIDERS.tts),
    script: script(config.script),
    activeHours: activeHours(config.active_hours),
    maxCallDurationSeconds: config.max_call_duration_seconds ?? botDefaults.maxCallDurationSeconds,
    ringTimeoutSeconds: config.ring_timeout_seconds ?? botDefaults.ringTimeoutSeconds,
    ...turnTaking(config),
    prefetch: prefetch(config.prefetch),
    analysis: config.analysis ? { prompt: config.analysis.prompt, schema: config.analysis.schema ?? null } : null,
    recording: config.recording ?? botDefaults.recording,
    retentionDays: config.retention_days ?? null,
  };
}

function turnTaking({ interruption, silence, voicemail, dtmf }: BotConfig): Pick<BotSettings, 'interruption' | 'silence' | 'voicemail' | 'dtmf'> {
  return {
    interruption: withDefaults<BotSettings['interruption']>(botDefaults.interruption, {
      minWords: interruption?.min_words, minSpeechMs: interruption?.min_speech_ms, openingMessage: interruption?.opening_message,
    }),
    silence: withDefaults<BotSettings['silence']>(botDefaults.silence, {
      enabled: silence?.enabled, promptAfterMs: silence?.prompt_after_ms, prompts: silence?.prompts, hangUpAfterPrompts: silence?.hang_up_after_prompts,
    }),
    voicemail: withDefaults<BotSettings['voicemail']>(botDefaults.voicemail, { action: voicemail?.action, message: voicemail?.message }),
    dtmf: { enabled: dtmf?.enabled ?? false },
  };
}

const withDefaults = <T extends object>(defaults: T, given: Partial<T>): T =>
  ({ ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) });

/** Checked when it was saved; read again here because its wire form and ours differ a little. */
function script(stored: unknown): BotScript | null {
  if (stored === undefined) return null;
  const verdict = validateScript(stored);
  return verdict.ok ? verdict.script : null;
}

const provider = (choice: ProviderConfig | undefined, embedded: string): ProviderChoice =>
  ({ provider: choice?.provider ?? embedded, options: choice?.options ?? {} });

export const activeHours = (hours: ActiveHoursConfig | undefined): ActiveHours | null => hours
  ? { enabled: hours.enabled, timezone: hours.timezone, days: hours.days, startTime: hours.start_time, endTime: hours.end_time,
    ...(hours.closed_message ? { closedMessage: hours.closed_message } : {}) } : null;

const prefetch = (config: PrefetchConfig | undefined): PrefetchSettings | null => config ? {
  url: config.url, method: config.method ?? 'POST', headers: config.headers ?? {}, timeoutMs: config.timeout_ms ?? DEFAULT_PREFETCH_TIMEOUT_MS,
  ...(config.response_path === undefined ? {} : { responsePath: config.response_path }),
} : null;
